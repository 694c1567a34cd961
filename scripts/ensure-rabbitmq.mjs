import { findRabbitMq, HOW_TO_GET_RABBITMQ } from './find-rabbitmq.mjs';
import { installDebianPackages, mayInstall } from './install-debian-packages.mjs';

/**
 * Installs RabbitMQ where it is missing, this may be done, and Debian's package manager is there.
 *
 * @returns {Promise<boolean>} whether there is a RabbitMQ now; where not, people have been told what to do
 */
export async function ensureRabbitMq() {
  if (findRabbitMq() !== undefined) return true;
  if (!mayInstall()) {
    console.error(`The tests need a RabbitMQ server, and there is none on this machine. ${HOW_TO_GET_RABBITMQ}`);
    return false;
  }
  console.error('Installing RabbitMQ (apt-get install rabbitmq-server), because there is none on this machine ...');
  await installDebianPackages(['rabbitmq-server']);
  if (findRabbitMq() !== undefined) return true;
  console.error(`apt-get could not install it; its own words are above. ${HOW_TO_GET_RABBITMQ}`);
  return false;
}
