import type { Channel } from 'amqplib';
import { grantText, type MissingRight, missingRightIn } from '../../amqp/missing-right.js';
import { deadLetterQueueOf } from '../../task/dead-letter-queue.js';
import { undeliveredQueueOf } from '../../task/undelivered.js';
import { type Finding, ok, problem, unknown, warning } from './finding.js';
import type { Probe } from './probe.js';

/** Who is to be served: `publisher` needs less. */
export type DoctorRole = 'both' | 'publisher';

type Ask = (channel: Channel) => Promise<unknown>;

interface Question {
  readonly what: string;
  readonly ask: Ask;
}

interface Feature {
  /** What does not work where one of its rights is missing. */
  readonly name: string;
  readonly questions: readonly Question[];
  /** What a mere publisher needs of it. */
  readonly publisher: 'needed' | 'useful' | 'not needed';
}

/** Nobody has bound anything to it. */
const NOWHERE = 'nestjs-dispatcher.doctor.nowhere';

/**
 * Asks for each right by something that the server refuses for another reason once the right is there: nothing is made,
 * taken or changed by it. (The server's log shows refused operations.)
 */
export async function rightFindings(probe: Probe, exchange: string, queues: readonly string[], role: DoctorRole): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const feature of featuresOf(exchange, queues)) findings.push(await look(probe, feature, role));
  return findings;
}

async function look(probe: Probe, { name, questions, publisher }: Feature, role: DoctorRole): Promise<Finding> {
  const check = `rights: ${name}`;
  const missing: MissingRight[] = [];
  for (const { what, ask } of questions) {
    const refusal = await probe.refusal(ask);
    if (refusal?.code === undefined && refusal !== undefined) return unknown(check, `The server did not answer whether there is a ${what}: ${refusal.text}.`, 'Try again.');
    const right = missingRightIn(refusal?.text ?? '');
    if (right !== undefined) missing.push(right);
  }
  const [first, ...more] = missing;
  if (first === undefined) return ok(check, questions.map(({ what }) => what).join(', '));
  const isNeeded = role === 'both' || publisher === 'needed';
  const found = `The user "${first.user}" has no right to ${missing.map(({ right, name: resource }) => `${right} "${resource}"`).join(', ')} in the virtual host "${first.vhost}".`;
  if (isNeeded) return problem(check, found, grantText([first, ...more]));
  return publisher === 'useful' ? warning(check, found, grantText([first, ...more])) : ok(check, `${found} Who only publishes does without.`);
}

function featuresOf(exchange: string, queues: readonly string[]): readonly Feature[] {
  const [due, near, wheel, undelivered] = [`${exchange}.delay.v2.due`, `${exchange}.delay.v2.near`, `${exchange}.delay.v2.wheel`, undeliveredQueueOf(exchange)];
  const inspection = `${exchange}.inspection.v1`;
  const [control, records, requests] = [`${exchange}.control.v1`, `${exchange}.ledger.v1`, `${exchange}.ledger.requests.v1`];
  return [
    { name: 'publishing', publisher: 'needed', questions: [writeTo(exchange)] },
    { name: 'retries and dead letters', publisher: 'not needed', questions: [writeTo('')] },
    { name: 'delaying tasks', publisher: 'useful', questions: [writeTo(near), writeTo(wheel)] },
    { name: 'making and serving the queues of delays', publisher: 'not needed', questions: [...allOf(near, exchange), ...allOf(`${wheel}.0.00`, exchange), ...allOf(due, exchange), read(wheel), configure(undelivered)] },
    { name: 'results', publisher: 'useful', questions: [configure(`${exchange}.replies.v1.doctor`), read(`${exchange}.replies.v1.doctor`)] },
    { name: 'pauses, cancellations and schedules', publisher: 'not needed', questions: [...allOf(control, exchange), namedByServer] },
    { name: 'shared state in RabbitMQ itself', publisher: 'not needed', questions: [...allOf(records, exchange), ...allOf(requests, exchange)] },
    { name: 'inspection', publisher: 'not needed', questions: [configureExchange(inspection), writeTo(inspection), bindTo(inspection)] },
    { name: 'looking through dead letters', publisher: 'not needed', questions: [configure(`${exchange}.browse.v1.doctor`)] },
    ...queues.map((queue): Feature => ({
      name: `working on the queue "${queue}"`, publisher: 'not needed',
      questions: [...allOf(queue, exchange), configure(deadLetterQueueOf(queue)), read(deadLetterQueueOf(queue))],
    })),
  ];
}

function allOf(queue: string, exchange: string): Question[] {
  return [configure(queue), bind(queue, exchange), read(queue)];
}

/** An argument that no queue can have: asked for after the right, and before anything is made. */
function configure(queue: string): Question {
  return { what: `configure "${queue}"`, ask: (channel) => channel.assertQueue(queue, { arguments: { 'x-expires': -1 } }) };
}

/** The same: the name of another exchange is no number. */
function configureExchange(exchange: string): Question {
  return { what: `configure "${exchange}"`, ask: (channel) => channel.assertExchange(exchange, 'direct', { arguments: { 'alternate-exchange': 5 } }) };
}

/** An argument that no consumer can have, as above. */
function read(queue: string): Question {
  return { what: `read "${queue}"`, ask: (channel) => channel.consume(queue, () => undefined, { arguments: { 'x-priority': 'none' } }) };
}

/** What is not bound is unbound without a word. */
function bind(queue: string, exchange: string): Question {
  return { what: `bind "${queue}"`, ask: (channel) => channel.unbindQueue(queue, exchange, NOWHERE) };
}

/** With a queue that the server names, since that right is asked for with another feature. */
function bindTo(exchange: string): Question {
  return {
    what: `read "${exchange}"`,
    ask: async (channel) => {
      const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true });
      await channel.unbindQueue(queue, exchange, NOWHERE);
      await channel.deleteQueue(queue);
    },
  };
}

/** To nowhere; what the server says to it comes before the answer to the next question. */
function writeTo(exchange: string): Question {
  return {
    what: `write to "${exchange === '' ? 'amq.default' : exchange}"`,
    ask: async (channel) => {
      channel.publish(exchange, NOWHERE, Buffer.from('doctor'), { mandatory: true });
      await channel.prefetch(1);
    },
  };
}

const namedByServer: Question = {
  what: 'configure "amq.gen-*"',
  ask: async (channel) => {
    const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true });
    await channel.deleteQueue(queue);
  },
};
