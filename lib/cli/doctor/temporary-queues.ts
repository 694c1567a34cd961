import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Channel } from 'amqplib';
import { CLASSIC } from '../../amqp/queue-forms.js';
import { differenceIn } from '../../brokers/amqp/topology/declaration-failure.js';
import { brokerDeaths } from '../../task/broker-death.js';
import { clockText } from './clock-text.js';
import { type Finding, ok, problem, unknown, warning } from './finding.js';
import type { Probe } from './probe.js';

/** Should this process die, the server removes them. */
const EXPIRES_MS = 60_000;
const DEATH_WITHIN_MS = 5_000;
/** The server tells whole seconds. */
const CLOCK_STEP_MS = 1_000;
const FILLED = 200;
const FILLED_FOR_MS = 1_500;

/** What can only be found out with queues: two of the doctor's own, which are gone when it ends. */
export async function temporaryQueueFindings(probe: Probe, exchange: string, now: () => number): Promise<Finding[]> {
  const names = ['a', 'b', 'c'].map((name) => `${exchange}.doctor.v1.${randomUUID()}.${name}`) as [string, string, string];
  try {
    return [await defaultTypeFinding(probe, names[0]), await clockFinding(probe, names[1], names[2], now), await catchAllFinding(probe, names[2])];
  } finally {
    for (const name of names) await probe.refusal((channel) => channel.deleteQueue(name));
  }
}

async function defaultTypeFinding(probe: Probe, name: string): Promise<Finding> {
  const check = 'default queue type';
  const made = await probe.refusal((channel) => channel.assertQueue(name, { expires: EXPIRES_MS }));
  if (made !== undefined) return notAllowed(check, made.text);
  const refusal = await probe.refusal((channel) => channel.assertQueue(name, { expires: EXPIRES_MS, arguments: CLASSIC }));
  if (refusal === undefined) return ok(check, 'The virtual host makes classic queues where a declaration names no type, as Go services expect.');
  const type = differenceIn(refusal.text)?.current ?? 'another';
  return warning(check, `The virtual host makes ${type} queues where a declaration names no type. Ours name theirs; a Go service that declares one of our classic queues is refused.`,
    "Write type: 'server-default' for queues that Go services declare too (docs/rabbitmq.md); or: rabbitmqctl update_vhost_metadata VHOST --default-queue-type classic");
}

async function clockFinding(probe: Probe, from: string, to: string, now: () => number): Promise<Finding> {
  const check = 'clock';
  const made = await probe.refusal(async (channel) => {
    await channel.assertQueue(to, { expires: EXPIRES_MS, arguments: CLASSIC });
    await channel.assertQueue(from, { expires: EXPIRES_MS, messageTtl: 1, deadLetterExchange: '', deadLetterRoutingKey: to, arguments: CLASSIC });
  });
  if (made !== undefined) return notAllowed(check, made.text);
  const asked = now();
  const death = await probe.use((channel) => deathOf(channel, from, to)).catch(() => undefined);
  if (death === undefined) return unknown(check, 'The server did not tell its time.', 'Compare by hand: date -u, here and there.');
  return clockText(check, differenceOf(death.getTime(), asked, now()), 'Delays, expiry and schedules go by the clocks of the applications: they are wrong by as much.');
}

/** 0 within what the server's seconds can tell; more than 0: the server is ahead. */
export function differenceOf(server: number, asked: number, answered: number): number {
  if (server > answered) return server - answered;
  return server + CLOCK_STEP_MS < asked ? server + CLOCK_STEP_MS - asked : 0;
}

/** When the server moved a message that had expired. */
async function deathOf(channel: Channel, from: string, to: string): Promise<Date | undefined> {
  channel.sendToQueue(from, Buffer.from('doctor'));
  for (let waited = 0; waited < DEATH_WITHIN_MS; waited += 20) {
    const message = await channel.get(to, { noAck: true });
    if (message !== false) return brokerDeaths(message.properties.headers)[0]?.at;
    await sleep(20);
  }
  return undefined;
}

/** A policy for all queues has this one too. */
async function catchAllFinding(probe: Probe, name: string): Promise<Finding> {
  const check = 'policies';
  const list = 'rabbitmqctl list_policies -p VHOST shows all of them, and `doctor --policies` reads them; docs/rabbitmq.md says which do harm.';
  const left = await probe.use(async (channel) => {
    await channel.purgeQueue(name);
    for (let i = 0; i < FILLED; i++) channel.sendToQueue(name, Buffer.from(`doctor ${i}`));
    await sleep(FILLED_FOR_MS);
    return (await channel.checkQueue(name)).messageCount;
  }).catch(() => undefined);
  if (left === undefined) return unknown(check, 'AMQP does not tell which policies there are, and no queue could be made to try.', list);
  if (left >= FILLED) return unknown(check, 'AMQP does not tell which policies there are. None that holds for every queue drops messages at once.', list);
  return problem(check, `A policy that holds for every queue drops messages: of ${FILLED} that were put into a new queue ${left} were left after ${FILLED_FOR_MS / 1000} s (max-length, or message-ttl).`,
    `Give it a pattern that leaves out the queues of this exchange. ${list}`);
}

function notAllowed(check: string, text: string): Finding {
  return unknown(check, `A queue to find it out with could not be made: ${text}.`, 'Run the doctor as a user who may configure, write and read ^<exchange>\\.doctor\\. too.');
}
