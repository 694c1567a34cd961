import { setTimeout as sleep } from 'node:timers/promises';
import { parseServerVersion } from '../../brokers/amqp/topology/server-version.js';
import { type Finding, ok, problem, unknown, warning } from './finding.js';
import type { Probe } from './probe.js';

/** The server says that it is blocked a moment after the first publish. */
const BLOCKED_WITHIN_MS = 500;
const OLDEST = { major: 3, minor: 8 };
const OLDEST_SUPPORTED_MAJOR = 4;

export function versionFinding({ server: { product, version } }: Pick<Probe, 'server'>): Finding {
  const check = 'server version';
  if (product !== 'RabbitMQ') return unknown(check, `The server says that it is ${product} ${version}; this library is tested with RabbitMQ.`, 'Run its tests on this server: docs/testing.md.');
  const { major, minor } = parseServerVersion(version);
  if (major < OLDEST.major || (major === OLDEST.major && minor < OLDEST.minor)) {
    return problem(check, `RabbitMQ ${version} is older than ${OLDEST.major}.${OLDEST.minor}, and has no quorum queues as delayed tasks need them.`, 'Upgrade it to 4.');
  }
  if (major < OLDEST_SUPPORTED_MAJOR) {
    return warning(check, `RabbitMQ ${version} gets no updates from its community any more. Mirrored classic queues (ha-mode), which it still has, are gone in 4.0.`,
      `Upgrade it to 4. Whether a policy mirrors queues: rabbitmqctl list_policies | grep ha-mode. They become quorum queues.`);
  }
  return ok(check, `RabbitMQ ${version}. This library uses none of the features that it deprecates (transient queues that are not exclusive, prefetch for a whole channel, mirrored queues, RAM nodes).`);
}

/** On a connection of its own, from which the server stops reading while there is an alarm. */
export async function alarmFinding(probe: Probe): Promise<Finding> {
  const check = 'alarms';
  await probe.use((channel) => {
    channel.publish('', 'nestjs-dispatcher.doctor.nowhere', Buffer.from('doctor'));
    return Promise.resolve();
  }).catch(() => undefined);
  for (let waited = 0; waited < BLOCKED_WITHIN_MS && probe.blocked === undefined; waited += 50) await sleep(50);
  const { blocked } = probe;
  if (blocked === undefined) return ok(check, 'The server takes messages: there is no alarm of memory or disk.');
  return problem(check, `The server takes no messages: ${blocked}. Publishing waits; consuming goes on.`,
    'See why: rabbitmq-diagnostics alarms; rabbitmq-diagnostics memory_breakdown; df -h. Then free memory or disk, or raise vm_memory_high_watermark or lower disk_free_limit.');
}

export function consumerTimeoutFinding(configured: number | undefined, longestTaskSeconds: number | undefined): Finding {
  const check = 'consumer timeout';
  const DEFAULT_SECONDS = 1800;
  const seconds = configured ?? DEFAULT_SECONDS;
  const type = "rabbitmqctl eval 'application:get_env(rabbit, consumer_timeout).'";
  if (seconds === 0) {
    return unknown(check, 'The configuration says that the server never takes a delivery away (consumerTimeoutSeconds: 0), and AMQP cannot tell whether that is so.', `It must say undefined: ${type}`);
  }
  const takenOver = longestTaskSeconds !== undefined && longestTaskSeconds >= seconds / 3;
  const longest = longestTaskSeconds === undefined ? '' : ` The longest task, of ${longestTaskSeconds} s, ${takenOver ? 'is taken over after that and still run once' : 'ends before that'}.`;
  return unknown(check, `A task that runs for a third of ${seconds} s (consumerTimeoutSeconds) is taken over, before the server takes its delivery away.${longest} AMQP cannot tell what the server has.`,
    `It must say ${seconds * 1000} or more, or {ok, undefined}: ${type}. Where it says less, set consumerTimeoutSeconds to that in every application.`);
}
