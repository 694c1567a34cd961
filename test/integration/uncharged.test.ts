import { Injectable } from '@nestjs/common';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Task, TaskContext, type DispatcherService, type QueueType, type ServerConfig } from '../../lib/index.js';
import { embeddedFolder, oneWorker, startOn } from '../support/nest-on-broker.js';
import { sharedRabbitMqUrl } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { Arrivals, eventually, Signal } from '../support/wait.js';

/** What was taken for one crash within this time was counted apart beyond it. */
const APART_MS = 6_000;

/** What the handlers of all processes of a test do. */
class Scene {
  readonly began = new Arrivals<string>();
  readonly ended: string[] = [];
  release = new Signal();
}

let scene: Scene;

@Injectable()
class Tasks {
  @Task('quick') quick(name: string): void { scene.ended.push(name); }

  @Task('deaf') async deaf(name: string): Promise<void> {
    scene.began.add(name);
    await scene.release.promise;
    scene.ended.push(name);
  }

  @Task('polite') async polite(name: string, @TaskContext() { signal }: TaskContext): Promise<void> {
    scene.began.add(name);
    await Promise.race([scene.release.promise, new Promise((_, reject) => { signal.addEventListener('abort', () => reject(signal.reason as Error)); })]);
    scene.ended.push(name);
  }
}

const BROKERS: [title: string, url: () => string, type: QueueType][] = [
  ['a classic queue', sharedRabbitMqUrl, 'classic'],
  ['a quorum queue', sharedRabbitMqUrl, 'quorum'],
  ['an embedded folder', () => embeddedFolder('uncharged'), 'classic'],
  ['an embedded broker in memory', () => 'embedded:', 'classic'],
];

function configFor(broker: string, type: QueueType, limit = 1): ServerConfig & { queue: string } {
  const config = oneWorker(broker, 'uncharged');
  const [worker] = config.workers;
  return { ...config, queue: worker.queue, reconnectionIntervalSeconds: 0.1, workers: [{ ...worker, type, limit, maxRedeliveries: 3 }] } as ServerConfig & { queue: string };
}

async function start({ queue, ...config }: ServerConfig & { queue: string }): Promise<{ service: DispatcherService; queue: string }> {
  const { service } = await startOn(config, { providers: [Tasks] });
  return { service, queue };
}

/** All have ended that are named, each as often as it is named, and none is a dead letter. */
async function allEnd(service: DispatcherService, queue: string, names: readonly string[]): Promise<void> {
  await eventually(() => scene.ended.length, (count) => count >= names.length, `${names.length} tasks to end`, { limitMs: 30_000 });
  await service.drain({ timeoutSeconds: 30 });
  expect({ ended: [...scene.ended].sort(), dead: await service.depth(`${queue}.dead`) }).toEqual({ ended: [...names].sort(), dead: 0 });
}

const realNow = Date.now.bind(Date);
let aheadMs = 0;

/** For whoever asks the clock; nothing waits for it. */
function letTimePass(): void {
  aheadMs += APART_MS;
}

describe.each(BROKERS)('on %s', (_title, url, type) => {
  afterEach(() => { vi.restoreAllMocks(); });

  function begin(): void {
    scene = new Scene();
    onTestFinished(() => scene.release.fire());
    vi.spyOn(Date, 'now').mockImplementation(() => realNow() + aheadMs);
  }

  it('a task that waits and one that runs are not charged with 25 pauses', async () => {
    begin();
    const { service, queue } = await start(configFor(url(), type));
    await service.publish('deaf', 'running');
    await scene.began.count(1);
    const waiting = ['a', 'b', 'c'];
    for (const name of waiting) await service.publish('quick', name);
    for (let pauses = 0; pauses < 25; pauses++) {
      await service.pause({ queue }, { by: 'ann', reason: 'test' });
      await eventually(() => service.depth(queue), (depth) => depth === 3, 'all to be given back');
      letTimePass();
      await service.resume({ queue });
      await eventually(() => service.depth(queue), (depth) => depth === 2, 'one to be taken');
    }
    scene.release.fire();
    await allEnd(service, queue, [...waiting, 'running']);
  });

  it.each(['deaf', 'polite'])('a long task that is %s to its signal is not charged with 12 deploys', async (task) => {
    begin();
    const { service, queue } = await start(configFor(url(), type));
    await service.publish(task, 'long');
    for (let deploys = 1; deploys <= 12; deploys++) {
      await scene.began.count(deploys);
      await service.worker('w').close(40);
      letTimePass();
      await service.worker('w').start();
    }
    await scene.began.count(13);
    scene.release.fire();
    // A handler that does not stop runs on, in a process that lives on.
    await allEnd(service, queue, Array(task === 'deaf' ? 13 : 1).fill('long') as string[]);
  });

  it('tasks behind long ones are not charged with being given back for others, whatever the limit', async () => {
    begin();
    const { service, queue } = await start(configFor(url(), type));
    const names: string[] = [];
    const publish = async (task: string, name: string): Promise<void> => {
      names.push(name);
      await service.publish(task, name);
    };
    for (let rounds = 0; rounds < 12; rounds++) {
      // Short ones, so that many are taken ahead; then a long one, and what is behind it goes back.
      await service.pause({ queue }, { by: 'ann', reason: 'test' });
      for (let i = 0; i < 16; i++) await publish('quick', `quick ${rounds}.${i}`);
      await publish('deaf', `deaf ${rounds}`);
      for (let i = 0; i < 4; i++) await publish('quick', `behind ${rounds}.${i}`);
      await service.resume({ queue });
      await scene.began.count(rounds + 1);
      service.worker('w').setLimit(1 + (rounds % 2));
      letTimePass();
      scene.release.fire();
      await eventually(() => scene.ended.length, (count) => count === names.length, 'all of the round to end');
      scene.release = new Signal();
    }
    await allEnd(service, queue, names);
  });
});

describe.each(BROKERS.slice(0, 2))('a lost connection, on %s', (_title, url, type) => {
  it('charges nobody, be it lost 15 times under load', async () => {
    scene = new Scene();
    // The long task comes to run in both processes, and must not take the only slot of each.
    const config = configFor(url(), type, 4);
    const lines = await Promise.all([TcpProxy.before(url()), TcpProxy.before(url())]);
    for (const { proxy } of lines) onTestFinished(() => proxy.close());
    onTestFinished(() => scene.release.fire());
    const { service, queue } = await start({ ...config, role: 'publisher' });
    for (const { url: broker } of lines) await start({ ...config, broker });
    await service.publish('deaf', 'long');
    await scene.began.count(1);
    const names = new Set<string>();
    for (let cuts = 0; cuts < 15; cuts++) {
      const burst = Array.from({ length: 40 }, (_, number) => `${cuts}.${number}`);
      const publishing = Promise.all(burst.map((name) => service.publish('quick', name)));
      lines[cuts % 2]?.proxy.resetAll();
      await publishing;
      for (const name of burst) names.add(name);
      await eventually(() => burst.filter((name) => scene.ended.includes(name)).length, (count) => count > 10, 'some of them to end');
    }
    scene.release.fire();
    await eventually(() => new Set(scene.ended).size, (count) => count === names.size + 1, 'all to end', { limitMs: 60_000 });
    await service.drain({ timeoutSeconds: 30 });
    expect({ lost: [...names, 'long'].filter((name) => !scene.ended.includes(name)), dead: await service.depth(`${queue}.dead`) }).toEqual({ lost: [], dead: 0 });
  });
});
