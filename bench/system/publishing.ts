import type { BenchTask, System } from './contract.js';
import { taskMaker } from './make-task.js';
import { queueNames, type Settings } from './settings.js';

/** Publishes `count` tasks in the way that the settings ask for; resolves when all are accepted. */
export function publishAll(system: System, settings: Settings, count: number): Promise<void> {
  if (count === 0) return Promise.resolve();
  const next = source(settings);
  switch (settings.publishing) {
    case 'one':
      return oneByOne(system, next, count);
    case 'all':
      return batches(next, count, settings.window, (batch) => Promise.all(batch.map((item) => accepted(system, item))));
    case 'bulk':
      return batches(next, count, settings.window, (batch) => system.publishMany!(batch));
    case 'chord':
      return system.chord!(Array.from({ length: count }, next));
    case 'paced':
      return paced(system, next, count, settings.rate);
    default:
      return slidingWindow(system, next, count, settings.window);
  }
}

interface Item {
  task: BenchTask;
  queue: string;
}

function source(settings: Settings): () => Item {
  const names = queueNames(settings);
  const make = taskMaker(settings);
  let i = 0;
  return () => ({ task: make(i), queue: names[i++ % names.length]! });
}

function accepted(system: System, { task, queue }: Item): Promise<void> {
  return new Promise((resolve, reject) => system.publish(task, queue, (error) => (error ? reject(error) : resolve())));
}

async function oneByOne(system: System, next: () => Item, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await accepted(system, next());
}

async function batches(next: () => Item, count: number, size: number, send: (batch: Item[]) => Promise<unknown>): Promise<void> {
  for (let sent = 0; sent < count; sent += size) {
    await send(Array.from({ length: Math.min(size, count - sent) }, next));
  }
}

/** Callbacks, not promises: a promise for each task would burden those that do without. */
function slidingWindow(system: System, next: () => Item, count: number, size: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let open = 0;
    const send = (): void => {
      sent++;
      open++;
      const { task, queue } = next();
      system.publish(task, queue, settled);
    };
    const settled = (error?: Error | null): void => {
      open--;
      if (error) reject(error);
      else if (sent < count) send();
      else if (open === 0) resolve();
    };
    while (sent < count && open < size) send();
  });
}

function paced(system: System, next: () => Item, count: number, rate: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const begin = performance.now();
    let sent = 0;
    let open = 0;
    const settled = (error?: Error | null): void => {
      open--;
      if (error) reject(error);
      else if (sent === count && open === 0) resolve();
    };
    const timer = setInterval(() => {
      const due = Math.min(count, Math.floor(((performance.now() - begin) * rate) / 1000));
      while (sent < due) {
        sent++;
        open++;
        const { task, queue } = next();
        system.publish(task, queue, settled);
      }
      if (sent === count) clearInterval(timer);
    }, 1);
  });
}
