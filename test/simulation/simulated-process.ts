import { Dispatcher } from '../../lib/dispatcher/dispatcher.js';
import { DispatcherParts } from '../../lib/dispatcher/dispatcher-parts.js';
import { resolveConfig } from '../../lib/dispatcher/config/resolve-config.js';
import { handlersOf } from '../../lib/dispatcher/task-map.js';
import type { DispatcherEvent } from '../../lib/events/dispatcher-event.js';
import { SupervisedResultBackend } from '../../lib/state/supervised/supervised-result-backend.js';
import { checkTaskSchedule } from '../../lib/schedules/check-schedule.js';
import type { TaskMap } from '../../lib/worker/handler.js';
import { SimulatedBroker, type Watchers } from './broker/simulated-broker.js';
import type { BrokerServer } from './broker/server.js';
import type { PublishingOptions } from './broker/publishing.js';
import type { Scenario } from './scenario.js';
import { SimulatedStore } from './state/simulated-store.js';
import type { StateServer } from './state/state-server.js';
import type { World } from './world.js';

export const EXCHANGE = 'simulation';
export const QUEUE = 'work';
const SHUTDOWN_SECONDS = 5;
/** Every 20 seconds. */
const TICKS = '*/20 * * * * *';
export const PUBLISH_TIMEOUT_SECONDS = 30;
const silent = { log: () => undefined, warn: () => undefined, error: () => undefined, debug: () => undefined };

export interface Servers {
  readonly broker: BrokerServer;
  readonly watchers: Watchers;
  readonly state: StateServer;
}

/** A process of ours: a whole dispatcher, of which nothing goes on once it is killed. */
export class SimulatedProcess {
  readonly broker: SimulatedBroker;
  readonly store: SimulatedStore;
  readonly dispatcher: Dispatcher;
  /** `starting` until it takes tasks, or could not be started. */
  state: 'starting' | 'up' | 'closing' | 'closed' | 'failed' = 'starting';

  /** To be made and used in its own process. */
  constructor(world: World, readonly owner: number, servers: Servers, scenario: Scenario, tasks: TaskMap, publishing: Partial<PublishingOptions>, onEvent: (event: DispatcherEvent) => void) {
    this.broker = new SimulatedBroker(world, owner, servers.broker, servers.watchers, { exchange: EXCHANGE, publishTimeoutMs: PUBLISH_TIMEOUT_SECONDS * 1000, refusals: scenario.refusals, ...publishing });
    this.store = new SimulatedStore(world, owner, servers.state);
    const { limit, type, maxRedeliveries, results, consumerTimeoutSeconds } = scenario;
    const config = resolveConfig({
      broker: 'amqp://simulated', exchange: EXCHANGE, defaultRoutingKey: QUEUE, resultBackend: new SupervisedResultBackend(this.store), logger: silent,
      workers: [{ name: 'worker', queue: QUEUE, bindingKeys: [QUEUE], limit, type, maxRedeliveries }], results: results ? 'all' : 'asked',
      shutdownTimeoutSeconds: SHUTDOWN_SECONDS, publishTimeoutSeconds: PUBLISH_TIMEOUT_SECONDS, startupTimeoutSeconds: 600, consumerTimeoutSeconds,
    });
    const find = (): object => ({});
    const parts: DispatcherParts = new DispatcherParts(config, this.broker, {
      discover: (worker) => {
        if (scenario.schedules) parts.scheduling.declare(checkTaskSchedule('tick', TICKS, undefined));
        return handlersOf(tasks, { ...worker, tasks: Object.keys(tasks) }, { find, invokers: config.invokers });
      },
      tasks: () => [], features: () => [], moduleCount: () => 0, isLoading: () => false, find, logger: silent, threads: { close: () => Promise.resolve() },
    });
    this.dispatcher = new Dispatcher(parts);
    parts.events.all.subscribe(onEvent);
    this.dispatcher.start().then(() => { if (this.state === 'starting') this.state = 'up'; }, () => { if (this.state === 'starting') this.state = 'failed'; });
  }

  /** In order, as at a deploy. */
  close(): void {
    this.state = 'closing';
    void this.dispatcher.close().then(() => { this.state = 'closed'; });
  }

  /** Its connections end with it. */
  die(): void {
    this.broker.die();
    this.store.die();
  }
}
