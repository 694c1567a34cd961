import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Debian's own folder comes before PATH: what Debian has on PATH is a wrapper that switches to the
 * user `rabbitmq` and refuses everybody but root, which a private node needs neither of.
 */
const FIRST = ['/usr/lib/rabbitmq/bin'];
const LAST = ['/usr/local/sbin', '/opt/homebrew/sbin', '/usr/local/opt/rabbitmq/sbin', '/opt/rabbitmq/sbin'];

/** The folder of `rabbitmq-server` and `rabbitmqctl`, or undefined where neither is installed. */
export function findRabbitMq(env = process.env) {
  return folders(env).find((folder) => isExecutable(join(folder, 'rabbitmq-server')) && isExecutable(join(folder, 'rabbitmqctl')));
}

/** Erlang's name server, which every RabbitMQ node needs; it comes with Erlang. */
export function findEpmd(env = process.env) {
  return ['/usr/bin', ...folders(env)].map((folder) => join(folder, 'epmd')).find(isExecutable);
}

/** What to do where there is no RabbitMQ, for people. */
export const HOW_TO_GET_RABBITMQ = 'Install RabbitMQ 3.10 or newer (Debian, Ubuntu: apt-get install rabbitmq-server; macOS: brew install rabbitmq), '
  + 'or name a running one: DISPATCHER_AMQP_CON=amqp://guest:guest@localhost:5672/';

function folders(env) {
  return [...FIRST, ...(env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''), ...LAST];
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
