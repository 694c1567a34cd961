import type { DispatcherEvent } from '../../lib/events/dispatcher-event.js';
import { DispatcherError } from '../../lib/errors.js';
import { BrokerServer } from './broker/server.js';
import type { PublishingOptions } from './broker/publishing.js';
import type { Watchers } from './broker/simulated-broker.js';
import { Flows } from './flows.js';
import { handlersFor } from './handlers.js';
import { Lane, NOBODY } from './lane.js';
import { Ledger } from './ledger.js';
import type { Fault, Scenario } from './scenario.js';
import { QUEUE, SimulatedProcess, type Servers } from './simulated-process.js';
import { StateServer } from './state/state-server.js';
import { Workload } from './workload.js';
import { World, type Violation } from './world.js';

/** Once the faults have stopped, all has to end within so much of the simulated time... */
const RECOVERY_MS = 2 * 3600_000;
/** ... and within so many steps for each publish. */
const RECOVERY_STEPS = 20_000;
const CLOSE_MS = 60_000;
const AFTER_CLOSE_MS = 1_000;
/** Shorter than a lease: longer ones may cost it, as documented. */
const OUTAGE_MS = 6_000;
const RESTART_MS = 3_000;
/** What a publisher says that could not hold the key of what it has published. */
const FREE_TOO_EARLY = 'its unique key may be free too early';
/** What a worker says that has to end while the store cannot be reached. */
const COULD_NOT_RECORD = 'could not record in time how interrupted tasks were left';

/** Defects that are planted, to see that they are found. */
export interface Planted {
  readonly confirmsIgnored?: boolean;
  readonly fenceDropped?: boolean;
}

export interface Outcome {
  readonly seed: number;
  readonly steps: number;
  readonly fingerprint: string;
  readonly violation: Violation | undefined;
  readonly lines: readonly string[];
  /** How often each thing happened, so that one can see that it did. */
  readonly counts: Readonly<Record<string, number>>;
}

/** One run of one seed: troubles and work for a number of steps, then none, and all has to come to its end. */
export class Simulation {
  readonly world: World;
  private readonly ledger: Ledger;
  private readonly servers: Servers;
  private readonly flows: Flows;
  private readonly workload: Workload;
  private processes: SimulatedProcess[] = [];
  /** No process is started any more. */
  private isOver = false;
  private readonly counts: Record<string, number> = {};

  constructor(private readonly scenario: Scenario, private readonly planted: Planted = {}, onLine?: (line: string) => void) {
    const world = this.world = new World(scenario.seed, onLine);
    this.ledger = new Ledger(world, { limit: scenario.limit, maxRedeliveries: scenario.maxRedeliveries });
    const watchers: Watchers = { signals: new Set(), topics: new Map() };
    this.servers = { broker: new BrokerServer(world, { deliveryLimit: scenario.deliveryLimit }, this.ledger), watchers, state: new StateServer(world, planted.fenceDropped !== true) };
    this.servers.state.listeners.add((key, value) => { if (key.includes(':once:')) this.ledger.claimChanged(key, value); });
    this.flows = new Flows((isKept, promise) => this.ledger.hold(isKept, promise));
    this.workload = new Workload(world, scenario, this.ledger, this.flows);
  }

  async run(): Promise<Outcome> {
    const { world, scenario } = this;
    const onError = (error: unknown): void => world.broken(`an error was caught by nobody: ${error instanceof Error ? error.stack : String(error)}`);
    process.on('unhandledRejection', onError);
    await world.enter();
    try {
      for (let count = 0; count < scenario.processes; count++) this.start();
      await this.go(() => world.steps < scenario.steps, true);
      this.mend();
      await this.recover();
      await this.closeAll();
    } finally {
      world.leave();
      process.off('unhandledRejection', onError);
    }
    return { seed: scenario.seed, steps: world.steps, fingerprint: world.fingerprint, violation: world.violation, lines: world.lines, counts: this.counts };
  }

  /** Step by step, for as long as that holds, nothing is broken, and anything is left to happen. */
  private async go(isOn: () => boolean, isTroubled: boolean): Promise<void> {
    const { world, scenario: { faultChance, workChance, timeChance } } = this;
    while (isOn() && world.violation === undefined) {
      if (isTroubled && world.chance.next() < faultChance) await this.trouble();
      // Once the troubles are over, what is left is published now: for how long all may take to end counts from then.
      else if (world.chance.next() < (isTroubled ? workChance : 1) && this.workload.isLeft) await this.publish();
      else if (world.busy.length > 0 && !(world.chance.next() < timeChance && this.mayTimePass())) await world.take(world.chance.oneOf(world.busy));
      else if (world.time.nextAt !== undefined) await world.passTime();
      else if (!this.workload.isLeft) return;
    }
  }

  private mayTimePass(): boolean {
    const { world, scenario: { latencyMs } } = this;
    const first = Math.min(...world.busy.map(({ since }) => since));
    return (world.time.nextAt ?? Infinity) <= first + latencyMs;
  }

  private start(): void {
    const { world, scenario, ledger } = this;
    if (this.isOver) return;
    const owner = world.born(world.chance.between(-scenario.skewMs, scenario.skewMs));
    const tasks = handlersFor(owner, {
      began: (run) => { this.count(`run ${run.name}`); world.note(`began ${run.uuid} ${run.attempt}`); ledger.began(run, scenario.limit); },
      ended: (run, state) => { world.note(`ended ${run.uuid} ${state}`); ledger.ended(run, state); },
    }, this.flows);
    const publishing: Partial<PublishingOptions> = { confirmsIgnored: this.planted.confirmsIgnored };
    new Lane(world, owner).push('start', () => {
      if (this.isOver) return;
      this.processes.push(new SimulatedProcess(world, owner, this.servers, scenario, tasks, publishing, (event) => this.heard(owner, event)));
      this.count('started');
    });
  }

  /** What is a defect whenever it happens. */
  private heard(owner: number, event: DispatcherEvent): void {
    this.count(event.type);
    if (event.type === 'worker.problem' && event.message.includes(COULD_NOT_RECORD)) for (const [, uuid] of event.message.matchAll(/\(([^()]+)\)/g)) this.ledger.untold(uuid!);
    if (event.type === 'task.cancelled' || event.type === 'task.dropped') this.ledger.calledOff(event.task.uuid);
    if (event.type === 'broker.warning' && event.message.includes(FREE_TOO_EARLY)) for (const [, uuid] of event.message.matchAll(/\(([^()]+)\)/g)) this.ledger.unheld(uuid!);
    if (event.type === 'broker.callback-failed' || event.type === 'results.callback-failed') this.world.broken(`process ${owner}: ${event.type} ${String((event.error as Error).stack)}`);
    if (event.type === 'task.dead-lettered' && event.error instanceof DispatcherError && event.error.code === 'ERR_DISPATCHER_DEFECT') this.world.broken(`process ${owner}: ${event.error.message}`);
  }

  private async publish(): Promise<void> {
    const { world } = this;
    const up = this.processes.filter(({ state }) => state === 'up');
    if (up.length === 0) {
      if (world.time.nextAt !== undefined && world.busy.length === 0) await world.passTime();
      else if (world.busy.length > 0) await world.take(world.chance.oneOf(world.busy));
      return;
    }
    const { owner, dispatcher } = world.chance.oneOf(up);
    const work = this.workload.next();
    this.count(`publish ${work.kind}`);
    await world.step(owner, `publish ${work.kind}`, () => work.publish(dispatcher.parts));
  }

  private async trouble(): Promise<void> {
    const { world, scenario: { faults } } = this;
    const total = Object.values(faults).reduce((sum, one) => sum + one, 0);
    if (total === 0) return this.idle();
    const fault = world.chance.byShare(faults);
    this.count(fault);
    world.note(`fault ${fault}`);
    if (fault === 'close') await this.closeOne();
    else this.cause(fault);
    this.bury();
  }

  private async idle(): Promise<void> {
    if (this.world.busy.length > 0) await this.world.take(this.world.busy[0]!);
  }

  private async closeOne(): Promise<void> {
    const up = this.processes.filter(({ state }) => state === 'up');
    const one = up.length === 0 ? undefined : this.world.chance.oneOf(up);
    if (one !== undefined) await this.world.step(one.owner, 'close', () => one.close());
  }

  private cause(fault: Exclude<Fault, 'close'>): void {
    const { world, servers: { broker, state }, processes } = this;
    const victim = world.chance.oneOf(processes.length === 0 ? [undefined] : processes);
    const later = (run: () => void, ms: number): void => void world.within(NOBODY, () => world.time.setTimeout(run, world.chance.between(1, ms)));
    switch (fault) {
      case 'kill': return victim && this.kill(victim);
      case 'cut-publish': return victim?.broker.cut('publish');
      case 'cut-consume': return victim?.broker.cut('consume');
      case 'cut-state': return victim?.store.cut();
      case 'alarm': this.alarm(true); return later(() => this.alarm(false), OUTAGE_MS);
      case 'broker-down':
        broker.isDown = true;
        for (const { broker: connection } of processes) { connection.cut('publish'); connection.cut('consume'); }
        broker.forgetAcknowledgements();
        return later(() => { broker.isDown = false; }, OUTAGE_MS);
      case 'state-down':
        state.isDown = true;
        for (const { store } of processes) store.cut();
        return later(() => { state.isDown = false; }, OUTAGE_MS);
      case 'delete-queue': return broker.delete(QUEUE);
    }
  }

  private alarm(isOn: boolean): void {
    this.servers.broker.isAlarmed = isOn;
    for (const { broker } of this.processes) broker.alarm(isOn);
  }

  private kill(victim: SimulatedProcess): void {
    const { world } = this;
    const unsettled = [...this.servers.broker.heldBy(victim.owner)];
    victim.die();
    this.processes = this.processes.filter((one) => one !== victim);
    this.ledger.left(victim.owner, unsettled);
    world.died(victim.owner);
    world.within(NOBODY, () => world.time.setTimeout(() => this.start(), world.chance.between(1, RESTART_MS)));
  }

  /** Those that have ended make room for the next. */
  private bury(): void {
    for (const one of this.processes) if (one.state === 'closed' || one.state === 'failed') this.kill(one);
  }

  /** From now on nothing goes wrong any more. */
  private mend(): void {
    const { broker, state } = this.servers;
    this.world.note('no more troubles');
    broker.isDown = false;
    state.isDown = false;
    this.alarm(false);
    this.bury();
  }

  private async recover(): Promise<void> {
    const { world } = this;
    const [deadline, most] = [world.elapsed() + RECOVERY_MS, world.steps + RECOVERY_STEPS + 200 * this.scenario.works];
    let looked = 0;
    await this.go(() => {
      if (world.steps % 50 === 0) this.bury();
      if (world.elapsed() > deadline || world.steps > most) {
        world.broken(`all should be over ${RECOVERY_MS / 60_000} minutes after the troubles, and is not: ${this.leftovers().join('; ')}`);
        return false;
      }
      return world.steps - looked < 100 || ((looked = world.steps), this.leftovers().length > 0);
    }, false);
    if (world.violation === undefined && this.leftovers().length > 0) world.broken(`nothing happens any more, and it is not over: ${this.leftovers().join('; ')}`);
  }

  private leftovers(): string[] {
    const open = [...this.ledger.open()];
    const busy = this.processes.filter(({ dispatcher }) => dispatcher.parts.workers.list().some(({ activity }) => activity.running > 0));
    return [
      ...this.workload.isLeft ? [`not all is published, by processes that are ${this.processes.map(({ owner, state }) => `${owner} ${state}`).join(', ')}`] : [],
      ...open.length > 0 ? [`${open.length} tasks have not ended, such as ${open.slice(0, 3).join(', ')}`] : [],
      ...busy.map(({ owner }) => `process ${owner} has slots in use`),
      ...this.flows.leftovers(this.ledger.hasExcused, (uuid) => this.ledger.account(uuid).dead > 0),
    ];
  }

  private async closeAll(): Promise<void> {
    const { world } = this;
    if (world.violation !== undefined) return;
    this.isOver = true;
    const deadline = world.elapsed() + CLOSE_MS;
    for (const one of this.processes) if (one.state === 'up' || one.state === 'starting') await world.step(one.owner, 'close', () => one.close());
    await this.go(() => this.processes.some(({ state }) => state === 'closing') && world.elapsed() < deadline, false);
    // A publish that was still under way is told that it comes too late with its next look.
    const later = world.elapsed() + AFTER_CLOSE_MS;
    await this.go(() => world.busy.length > 0 || (world.time.nextAt ?? Infinity) <= later, false);
    for (const { owner, state } of this.processes) {
      this.ledger.hold(state === 'closed', `process ${owner} was to close, and is ${state}`);
      const timers = world.time.timersOf(owner);
      this.ledger.hold(timers <= this.ledger.deafOf(owner), `process ${owner} is closed, and ${timers} of its timers run`);
    }
  }

  private count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}
