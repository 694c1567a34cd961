import { randomUUID } from 'node:crypto';
import { FlowProducer, Queue, QueueEvents, Worker } from 'bullmq';
import { queueNames } from './queues.mjs';

/** BullMQ: a queue and a worker for each name; finished jobs are removed, failed ones would stay. */
export async function open(settings, onTask) {
  const names = queueNames(settings);
  const { hostname: host, port } = new URL(settings.server);
  const connection = { host, port: Number(port) };
  const options = optionsOf(settings);
  const queues = new Map(names.map((name) => [name, new Queue(name, { connection })]));
  for (const queue of queues.values()) await queue.waitUntilReady();
  const run = async (job) => {
    if (settings.fails === 'first' && job.attemptsMade === 0) throw new Error('The first attempt fails, as it is told to.');
    await onTask(Number(job.data.args[1]?.value ?? 0));
  };
  const finished = settings.results === 'on' && settings.role === 'publish' ? new Map(names.map((name) => [name, new QueueEvents(name, { connection })])) : undefined;
  for (const events of finished?.values() ?? []) await events.waitUntilReady();
  const flows = settings.publishing === 'chord' && settings.role === 'publish' ? new FlowProducer({ connection }) : undefined;
  const add = async (task, queue) => {
    const job = await queues.get(queue).add(task.name, data(task), options);
    if (finished) await job.waitUntilFinished(finished.get(queue));
  };
  const workers = settings.role === 'publish' ? [] : names.map((name) => new Worker(name, run, workerOptions(connection, settings)));
  for (const worker of workers) await worker.waitUntilReady();
  const data = ({ name, args }) => ({ uuid: randomUUID(), name, args });
  return {
    publish(task, queue, done) {
      add(task, queue).then(() => done(), done);
    },
    async publishMany(tasks) {
      const adding = names.map((name) => {
        const own = tasks.filter(({ queue }) => queue === name);
        return queues.get(name).addBulk(own.map(({ task }) => ({ name: task.name, data: data(task), opts: options })));
      });
      await Promise.all(adding);
    },
    async chord(tasks) {
      const children = tasks.map(({ task, queue }) => ({ name: task.name, queueName: queue, data: data(task), opts: options }));
      const { job } = await flows.add({ name: 'gather', queueName: names[0], data: { args: [] }, children });
      await job.waitUntilFinished(finished.get(names[0]));
    },
    async consume() {
      for (const worker of workers) worker.run().catch((error) => console.error(error));
    },
    async close() {
      for (const each of [...workers, ...queues.values(), ...(finished?.values() ?? []), ...(flows ? [flows] : [])]) await each.close();
    },
  };
}

/** As many milliseconds before the second attempt as `RETRY_MS` of system/settings.ts says. */
const RETRY_MS = 100;

function optionsOf({ delayms, fails, results }) {
  return {
    // A result must be there to be seen; these go when there are too many.
    removeOnComplete: results === 'on' ? 10_000 : true,
    ...(delayms > 0 ? { delay: delayms } : {}),
    ...(fails === 'first' ? { attempts: 2, backoff: { type: 'fixed', delay: RETRY_MS } } : {}),
  };
}

function workerOptions(connection, settings) {
  return { connection, concurrency: settings.limit, autorun: false };
}
