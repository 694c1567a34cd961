import { embeddedFolder } from '../servers/embedded-folder.js';
import { startRabbit } from '../servers/rabbitmq.js';
import { startRedis } from '../servers/redis.js';
import type { Server } from '../servers/server.js';
import type { Scenario, SystemDefinition } from './definition.js';
import type { Failure, Measurement } from './measurement.js';
import { measure } from './run.js';

/** Enough for what is called for each task to be compiled. */
const WARMUP = 5_000;
const PACED_SECONDS = 10;

export interface Plan {
  readonly scenarios: readonly Scenario[];
  readonly systems: readonly SystemDefinition[];
  readonly runs: number;
  readonly tasks: number;
  /** The system that the others are compared with. */
  readonly baseline: string;
  /** Minor scenarios once, and only for the systems that a reader compares first. */
  readonly brief?: boolean;
}

export interface Outcome {
  readonly measurements: Measurement[];
  readonly failures: Failure[];
}

/** Runs a plan: scenario by scenario, and in each all systems once before any of them a second time. */
export class Session {
  readonly outcome: Outcome = { measurements: [], failures: [] };
  private readonly servers = new Map<string, Server>();
  private readonly warm = new Set<SystemDefinition['server']>();
  private readonly unavailable = new Set<string>();
  private readonly began = performance.now();

  constructor(
    private readonly plan: Plan,
    private readonly all: readonly SystemDefinition[],
    private readonly tell: (line: string) => void,
  ) {}

  async run(): Promise<Outcome> {
    try {
      for (const scenario of this.plan.scenarios) await this.runScenario(scenario);
    } finally {
      for (const server of this.servers.values()) await server.stop();
    }
    return this.outcome;
  }

  private async runScenario(scenario: Scenario): Promise<void> {
    const brief = this.plan.brief === true && scenario.minor === true;
    const systems = this.plan.systems.filter((system) => takesPart(system, scenario) && (!brief || system.main === true) && this.prepare(system));
    if (systems.length === 0) return;
    this.tell(`\n${scenario.name}: ${scenario.title} (${((performance.now() - this.began) / 60_000).toFixed(1)} min so far)`);
    await this.warmServers(scenario, systems);
    for (let run = 1; run <= (brief ? 1 : this.plan.runs); run++) {
      // Each run begins with another system, so that none always follows the same neighbour.
      const first = (run - 1) % systems.length;
      for (const system of [...systems.slice(first), ...systems.slice(0, first)]) await this.runOnce(scenario, system, run);
    }
  }

  /** A server that has just been started is slower, at the cost of whoever comes first: one run of each is thrown away. */
  private async warmServers(scenario: Scenario, systems: readonly SystemDefinition[]): Promise<void> {
    for (const system of systems) {
      if (this.warm.has(system.server)) continue;
      this.warm.add(system.server);
      // What it says of failures, the first run that counts says again.
      await this.measure(scenario, system, 0).catch(() => undefined);
    }
  }

  private async runOnce(scenario: Scenario, system: SystemDefinition, run: number): Promise<void> {
    if (this.outcome.failures.some((failure) => failure.scenario === scenario.name && failure.system === system.name)) return;
    try {
      const measurement = await this.measure(scenario, system, run);
      this.outcome.measurements.push(measurement);
      this.tell(describe(measurement));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.outcome.failures.push({ scenario: scenario.name, system: system.name, reason });
      this.tell(`  ${system.name} failed: ${reason}`);
    }
  }

  private async measure(scenario: Scenario, system: SystemDefinition, run: number): Promise<Measurement> {
    const filler = this.all.find((other) => other.name === system.filledBy) ?? system;
    const server = await this.server(system.server);
    const base = { scenario, system, filler, server, run };
    if (scenario.pace === undefined) {
      const tasks = (scenario.tasks ?? ((asked) => asked))(this.plan.tasks);
      return measure({ ...base, tasks, warmup: scenario.settings.warmup ?? Math.min(WARMUP, Math.ceil(tasks / 4)) });
    }
    const rate = scenario.pace === 'half' ? Math.floor((await this.highest(system)) / 2) : scenario.pace;
    return measure({ ...base, rate, warmup: rate, tasks: rate * Math.min(PACED_SECONDS, Math.ceil(this.plan.tasks / 2_000)) });
  }

  /** The best rate end to end so far, measured now when there is none yet. */
  private async highest(system: SystemDefinition): Promise<number> {
    const known = this.outcome.measurements.filter((one) => one.system === system.name && one.scenario === 'end-to-end-100');
    if (known.length > 0) return Math.max(...known.map((one) => one.rate));
    const scenario: Scenario = { name: 'end-to-end-100', title: '', kind: 'end-to-end', needs: [], settings: {} };
    const measurement = await this.measure(scenario, system, 0);
    this.outcome.measurements.push(measurement);
    return measurement.rate;
  }

  /** False when the system cannot be had here; says so once. */
  private prepare(system: SystemDefinition): boolean {
    if (this.unavailable.has(system.name)) return false;
    try {
      system.prepare?.();
      return true;
    } catch (error) {
      this.unavailable.add(system.name);
      const reason = `cannot be had here: ${(error as Error).message}`;
      this.outcome.failures.push({ scenario: 'all', system: system.name, reason });
      this.tell(`${system.name} ${reason}`);
      return false;
    }
  }

  private async server(kind: SystemDefinition['server']): Promise<Server> {
    const server = this.servers.get(kind) ?? (await starters[kind]());
    this.servers.set(kind, server);
    return server;
  }
}

const starters: Record<SystemDefinition['server'], () => Promise<Server>> = {
  rabbitmq: startRabbit,
  redis: startRedis,
  folder: async () => embeddedFolder(),
  none: async () => ({ url: 'embedded:', clear: async () => undefined, stop: async () => undefined }),
};

function takesPart(system: SystemDefinition, scenario: Scenario): boolean {
  return (scenario.only?.includes(system.name) ?? true) && scenario.needs.every((need) => system.abilities.includes(need));
}

function describe({ system, run, rate, cpu, memory, latency, others, disturbed }: Measurement): string {
  const speed = latency ? `p50 ${latency.p50.toFixed(2)} p99 ${latency.p99.toFixed(2)} ms` : `${Math.round(rate).toLocaleString('en')} tasks/s`;
  const mark = disturbed ? `  disturbed: others used ${others.toFixed(2)} cores` : '';
  return `  ${run} ${system.padEnd(24)} ${speed.padStart(20)}  ${cpu.toFixed(2)} CPU s/100k  ${memory.toFixed(0)} MiB${mark}`;
}
