import { randomUUID } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import { queueNames } from './queues.mjs';

/** BullMQ: a queue and a worker for each name; finished jobs are removed, failed ones would stay. */
export async function open(settings, onTask) {
  const names = queueNames(settings);
  const { hostname: host, port } = new URL(settings.server);
  const connection = { host, port: Number(port) };
  const options = { removeOnComplete: true };
  const queues = new Map(names.map((name) => [name, new Queue(name, { connection })]));
  for (const queue of queues.values()) await queue.waitUntilReady();
  const run = async (job) => void (await onTask(Number(job.data.args[1]?.value ?? 0)));
  const workers = settings.role === 'publish' ? [] : names.map((name) => new Worker(name, run, workerOptions(connection, settings)));
  for (const worker of workers) await worker.waitUntilReady();
  const data = ({ name, args }) => ({ uuid: randomUUID(), name, args });
  return {
    publish(task, queue, done) {
      queues.get(queue).add(task.name, data(task), options).then(() => done(), done);
    },
    async publishMany(tasks) {
      const adding = names.map((name) => {
        const own = tasks.filter(({ queue }) => queue === name);
        return queues.get(name).addBulk(own.map(({ task }) => ({ name: task.name, data: data(task), opts: options })));
      });
      await Promise.all(adding);
    },
    async consume() {
      for (const worker of workers) worker.run().catch((error) => console.error(error));
    },
    async close() {
      for (const each of [...workers, ...queues.values()]) await each.close();
    },
  };
}

function workerOptions(connection, settings) {
  return { connection, concurrency: settings.limit, autorun: false };
}
