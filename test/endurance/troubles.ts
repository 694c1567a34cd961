import type { PauseTarget } from '../../lib/index.js';
import type { RabbitMqNode } from '../support/rabbitmq.js';
import { pause } from '../support/wait.js';
import type { Pauses } from './pauses.js';
import { WORKER } from './protocol.js';
import type { Random } from './random.js';
import type { Station } from './station.js';

/** How often each comes, of all. */
const SHARES = { deploy: 26, kill: 16, pause: 20, limit: 12, cut: 12, freeze: 4, slow: 4, publisher: 2, server: 4 };
type Trouble = keyof typeof SHARES;

/** Between two of them. */
const SHORTEST_MS = 500;
const LONGEST_MS = 4_000;

export interface Scene {
  node: RabbitMqNode;
  queue: string;
  workers: Station[];
  publisher: Station;
  pauses: Pauses;
  shutdownMs: number;
}

/** One trouble after the other, at random; some of them go on beside those that follow. */
export class Troubles {
  readonly counts = new Map<Trouble, number>();
  private readonly goingOn = new Set<Promise<void>>();

  constructor(private readonly scene: Scene, private readonly random: Random) {}

  async until(endsAt: number): Promise<void> {
    while (performance.now() < endsAt) {
      const trouble = this.random.byShare(SHARES);
      this.counts.set(trouble, (this.counts.get(trouble) ?? 0) + 1);
      await this.make(trouble);
      await pause(this.random.between(SHORTEST_MS, LONGEST_MS));
    }
    await Promise.all(this.goingOn);
  }

  toString(): string {
    return [...this.counts].map(([trouble, count]) => `${trouble} ${count}`).join(', ');
  }

  private async make(trouble: Trouble): Promise<void> {
    const { scene, random } = this;
    const worker = random.oneOf(scene.workers);
    switch (trouble) {
      case 'deploy': return this.beside(worker.deploy(scene.shutdownMs));
      case 'kill': return worker.kill9();
      case 'pause': return this.beside(this.pauseForAWhile());
      case 'limit': if (worker.now.isReady) worker.now.tell({ do: 'limit', limit: random.between(1, 20) }); return;
      case 'cut': return this.cut(random.oneOf([...scene.workers, scene.publisher]));
      case 'freeze': return this.beside(this.misbehave(worker, 'freeze', random.between(2_000, 20_000)));
      case 'slow': return this.beside(this.misbehave(worker, 'slow', random.between(1_000, 5_000)));
      case 'publisher': return scene.publisher.kill9();
      // Nothing else happens to whoever waits for it, so that this one is waited for.
      case 'server': return this.restartServer();
    }
  }

  private async pauseForAWhile(): Promise<void> {
    const { queue, pauses } = this.scene;
    const target = this.random.oneOf<PauseTarget>([{ queue }, { queue }, { worker: WORKER }, { task: 'short' }, { task: 'long' }]);
    const milliseconds = this.random.between(100, 4_000);
    await pauses.pause(target);
    await pause(milliseconds);
    await pauses.resume(target);
  }

  private cut(station: Station): Promise<void> {
    return station.broken(() => {
      station.proxy.resetAll();
      return Promise.resolve();
    });
  }

  private misbehave(station: Station, mode: 'freeze' | 'slow', milliseconds: number): Promise<void> {
    return station.broken(async () => {
      station.proxy.set(mode);
      await pause(milliseconds);
      station.proxy.set('pass');
    });
  }

  private async restartServer(): Promise<void> {
    const { publisher, workers } = this.scene;
    const restarted = this.serverAway();
    await Promise.all([publisher, ...workers].map((station) => station.broken(() => restarted)));
  }

  private async serverAway(): Promise<void> {
    const { node } = this.scene;
    if (this.random.next() < 0.7) await node.kill9();
    else await node.shutdown();
    await pause(this.random.between(0, 3_000));
    await node.start();
  }

  private beside(work: Promise<void>): void {
    const goingOn = work.finally(() => this.goingOn.delete(goingOn));
    this.goingOn.add(goingOn);
  }
}
