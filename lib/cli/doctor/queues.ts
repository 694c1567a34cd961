import { CLASSIC, ownForms, QUORUM, type QueueArguments, returnsQueueOf } from '../../amqp/queue-forms.js';
import { adoptionWarning } from '../../brokers/amqp/topology/adoption.js';
import { differenceIn } from '../../brokers/amqp/topology/declaration-failure.js';
import { queueForms } from '../../brokers/amqp/topology/queue-arguments.js';
import { parseServerVersion } from '../../brokers/amqp/topology/server-version.js';
import { deadLetterQueueOf } from '../../task/dead-letter-queue.js';
import { type Finding, ok, problem, unknown, warning } from './finding.js';
import type { Probe, Refusal } from './probe.js';

export async function exchangeFinding(probe: Probe, exchange: string): Promise<Finding> {
  const check = 'exchange';
  const absent = await probe.refusal((channel) => channel.checkExchange(exchange));
  if (absent?.code === 404) return problem(check, `There is no exchange "${exchange}".`, 'Check its name: an application makes it when it starts.');
  const other = await probe.refusal((channel) => channel.assertExchange(exchange, 'direct', { durable: true }));
  if (other?.code !== 406) return ok(check, `The exchange "${exchange}" is there.`);
  return problem(check, `The exchange "${exchange}" exists otherwise: ${differenceText(other)}. Applications do not start on it.`,
    `Take another name, or remove it when nothing uses it: rabbitmqctl eval 'rabbit_exchange:delete(rabbit_misc:r(<<"VHOST">>, exchange, <<"${exchange}">>), false, <<"ops">>).'`);
}

/** Work queues and their dead letters: whether they are there, and as this library makes them or can use them. */
export async function queueFindings(probe: Probe, exchange: string, queues: readonly string[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const queue of queues) {
    findings.push(await workQueueFinding(probe, exchange, queue), await deadQueueFinding(probe, exchange, deadLetterQueueOf(queue)));
  }
  return findings;
}

async function workQueueFinding(probe: Probe, exchange: string, name: string): Promise<Finding> {
  const check = `queue "${name}"`;
  if (await isAbsent(probe, name)) return warning(check, 'There is no such queue.', 'Start an application with a worker on it, or list it in initQueues.');
  const version = parseServerVersion(probe.server.version);
  const [quorum] = queueForms({ name, type: 'quorum' }, exchange, version) as [QueueArguments];
  const { form, refusal } = await formOf(probe, name, [CLASSIC, QUORUM, quorum]);
  if (form === undefined) return foreign(check, name, refusal);
  if (form === quorum) return ok(check, 'A quorum queue with our delivery limit and dead-lettering.');
  const text = adoptionWarning({ name }, form, version);
  return text === undefined ? ok(check, 'A classic queue; it has no delivery limit.') : warning(check, text, `rabbitmqctl list_queues name type arguments policy | grep ${name}`);
}

async function deadQueueFinding(probe: Probe, exchange: string, name: string): Promise<Finding> {
  const check = `queue "${name}"`;
  if (await isAbsent(probe, name)) return warning(check, 'There is no queue for its dead letters.', 'Start an application with a worker on it: it makes this queue before it takes anything.');
  const version = parseServerVersion(probe.server.version);
  const forms = [...ownForms(returnsQueueOf(exchange)), ...queueForms({ name, type: 'quorum', purpose: 'dead-letters' }, exchange, version)];
  const { form, refusal } = await formOf(probe, name, forms);
  if (form === undefined) return foreign(check, name, refusal);
  if (form === CLASSIC) {
    return warning(check, 'It was made by version 0.1.0, without protection: a policy with max-length or message-ttl drops dead letters from it.',
      'When it is empty and no process of 0.1.0 runs, delete it; it is made anew.');
  }
  const text = adoptionWarning({ name, purpose: 'dead-letters', type: form['x-queue-type'] === 'quorum' ? 'quorum' : 'classic' }, form, version);
  return text === undefined ? ok(check, 'It keeps dead letters whatever policies say.') : warning(check, text, 'docs/rabbitmq.md says more.');
}

async function isAbsent(probe: Probe, name: string): Promise<boolean> {
  return (await probe.refusal((channel) => channel.checkQueue(name)))?.code === 404;
}

/** In which of these forms it exists, as the server compares. */
async function formOf(probe: Probe, name: string, forms: readonly QueueArguments[]): Promise<{ form?: QueueArguments; refusal?: Refusal }> {
  let told: Refusal | undefined;
  for (const form of forms) {
    const refusal = await probe.refusal((channel) => channel.assertQueue(name, { arguments: form }));
    if (refusal === undefined) return { form };
    if (refusal.code !== 406) return { refusal };
    // Of a wrong type the server says nothing more.
    if (told === undefined || differenceIn(told.text)?.argument === 'x-queue-type') told = refusal;
  }
  return told === undefined ? {} : { refusal: told };
}

function foreign(check: string, name: string, refusal: Refusal | undefined): Finding {
  if (refusal?.code !== 406) return unknown(check, `How it was made could not be asked: ${refusal?.text ?? 'no answer'}.`, 'Run the doctor as a user who may configure it.');
  return problem(check, `Others made it with other arguments: ${differenceText(refusal)}. Workers do not start on it, and what it does with messages is not ours to say.`,
    `See how it was made: rabbitmqctl list_queues name durable arguments | grep ${name}. Use another name, or move its messages away (export ${name} --to-file ...), delete it, and start the applications.`);
}

function differenceText({ text }: Refusal): string {
  const difference = differenceIn(text);
  return difference === undefined ? text : `${difference.argument} is ${difference.current}, and not ${difference.received}`;
}
