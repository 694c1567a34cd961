import type { Compression, CompressionConfig, CompressionName, KeysConfig } from '../../bodies/body-options.js';
import type { ClaimStore } from '../../claims/claim-store.js';
import type { TaskGate } from '../../worker/gates/task-gate.js';
import type { StateBackend } from '../../state/state-backend.js';
import type { LedgerOptions } from '../../state/amqp/ledger-options.js';
import type { ConnectionOptions } from 'node:tls';
import type { InspectionConfig } from '../../inspection/redaction.js';
import type { QueueTypeOption } from '../../brokers/broker.js';
import type { OwnBroker } from './own-broker.js';
import type { RunMiddlewareInput } from '../../worker/middleware.js';
import type { Format } from '../../formats/format.js';
import type { FormatName } from '../../task/format-name.js';
import type { WireOption } from '../../task/wire.js';
import type { IdMaker, IdMakerName } from '../../task/id-maker.js';
import type { Invoker } from '../../worker/invoker.js';
import type { WorkerConfig } from '../../worker/worker-config.js';
import type { ForeignResultsOptions } from './foreign-results-config.js';
import type { LogTarget } from '../events/log-target.js';
import type { PublishMiddlewareInput } from '../publishing/publish-middleware.js';
import type { ThreadsConfig } from './threads-config.js';

/**
 * The configuration of one dispatcher, for `DispatcherModule.forRoot`. Everything is checked when the
 * application starts; what cannot work is a `ConfigurationError` that says what to write instead.
 *
 * @publicApi
 */
export interface ServerConfig {
  /**
   * Where tasks travel: `amqp://user:password@host:port/vhost`, `amqps://...` (TLS), `redis://:password@host:6379/0`,
   * `rediss://...` (TLS), `redis+socket://password@/path/to/redis.sock:/0`, `embedded:` (no server, in memory) or
   * `embedded:./folder` (no server, durable; several processes of one machine may share the folder); or a `Broker` of your own,
   * made for this dispatcher alone, which connects and closes it, or a function that makes one. With one of your own
   * `resultBackend` is required. Default: `amqp://guest:guest@localhost:5672/`.
   */
  broker?: string | OwnBroker;
  /** The main exchange, direct and durable; declared at start. Required. */
  exchange: string;
  /** The routing key of tasks that name none. Required; a task that no queue is bound for is refused. */
  defaultRoutingKey: string;
  /**
   * Who may read the queues for which nothing else is said. `gofort-strict`: workers of gofort/dispatcher too. What would
   * end the process of one or mislead it (lists and `json` as arguments, integers beyond 2^53) is then refused on its way
   * out, with a `StrictWireError`; each body is read once more for that. Default: `dispatcher`.
   */
  wire?: WireOption;
  /**
   * How tasks look that are published to queues of which nothing else is said, and how messages are read whose format
   * cannot be seen: by content type, headers and shape most can, so that several kinds of senders may share a queue. Default: `gofort`.
   */
  format?: FormatName;
  /** Formats of your own, beside the built-in ones; each is asked before those whether a message is in it. Default: none. */
  formats?: Format[];
  /**
   * Which uuids tasks get that are published without one: `uuid-v4`; `uuid-v7`, in the order of time; `sequence`, short, in
   * order within a process; `arguments`, the same for the same name and arguments; or one of `idMakers`. Default: `uuid-v4`.
   */
  ids?: IdMakerName;
  /** Makers of uuids of your own, for `ids`. Default: none. */
  idMakers?: IdMaker[];
  /** Ways of your own in which arguments become the parameters of a call, for `invoker` of `@Task`. Default: none. */
  invokers?: Invoker[];
  /**
   * Where other systems keep states and results of tasks, by their formats. Tasks that come in such a format have theirs
   * written there, as a worker of that system writes them, and groups and chords that both share are counted; what is
   * published in such a format has its result read there. Default: nowhere.
   */
  foreignResults?: ForeignResultsOptions;
  /**
   * Bodies are made smaller before they are sent: by `gzip`, `deflate`, `br`, `zstd` or one of `compressions`, as
   * `{ coding, minBytes, tasks }` or the name alone. What is written in the format of another system is left as it is, and
   * so is what goes where Go reads. Whatever arrives is unpacked, with nothing configured, up to `maxTaskBytes`. Default: false.
   */
  compression?: CompressionConfig | CompressionName | false;
  /** Ways of compressing of your own. Default: none. */
  compressions?: Compression[];
  /** Bodies are encrypted (AES-256-GCM), so that neither the broker nor whoever reads it knows them, or can change them or move them to other tasks. Default: they are not. */
  encryption?: KeysConfig;
  /** Messages are signed (HMAC with SHA-256), so that who can write to the broker, and has no key, cannot have run what he likes. Default: they are not. */
  signing?: KeysConfig;
  /** What is asked before a task runs, and told before it is acknowledged, beside what is built in; the first is the outermost. Default: none. */
  gates?: TaskGate[];
  /** Bodies that are too large for the broker are kept in a store that all processes reach, and a note of them travels. Default: they travel. */
  claimCheck?: ClaimCheckConfig;
  /** Queues to declare and bind at start, so that tasks wait there before any worker runs. Default: none. */
  initQueues?: QueueConfig[];
  /** The workers that this process runs; more can be made with `createWorker`. Default: none. */
  workers?: WorkerConfig[];
  /**
   * What this process does of it. `both`; `publisher`: queues are declared, nothing is consumed, for
   * scripts, migrations and REPLs; `worker`: like `both`, but it is an error to have no workers, since such
   * a process would sit idle. The environment variable DISPATCHER_ROLE overrides it. Default: `both`.
   */
  role?: DispatcherRole;
  /**
   * How many attempts to reconnect are made after a lost connection; the count restarts after each
   * success. When they are spent, workers finish their running tasks, `states` says `broken`, and
   * nothing more happens by itself. Default: no limit.
   */
  reconnectionRetries?: number;
  /** Never give up, whatever `reconnectionRetries` says. Default: true where `reconnectionRetries` is not given. */
  reconnectionRetriesForever?: boolean;
  /** A fixed pause between attempts, in seconds. Default: pauses that grow to a cap, with jitter. */
  reconnectionIntervalSeconds?: number;
  /**
   * TLS options of Node (`ca`, `cert`, `key`, `servername`, ...); giving them turns TLS on.
   * `rejectUnauthorized: false` turns the check of the server's certificate off, with a warning.
   * Default: Node's defaults, which verify.
   */
  tlsConfig?: ConnectionOptions;
  /** Use TLS even where `broker` says `amqp://` or `redis://`. Default: false. */
  secureConnection?: boolean;
  /** Log the finer events too: each failed attempt, tasks given back, late endings. Default: false. */
  debugMode?: boolean;
  /** Any Nest `LoggerService`. Default: Nest's `Logger` with the context `Dispatcher`. */
  logger?: LogTarget;
  /**
   * Each line of the log is an object: its text under `messageKey` (default `msg`, as pino has it; `message` for winston),
   * and beside it `event`, `origin`, `task`, `error` and `details`, see docs/events.md. For loggers that write JSON.
   * Default: false, lines are texts.
   */
  structuredLogs?: boolean | { messageKey?: string };
  /**
   * Which guards, pipes, interceptors and filters run on tasks. `local`: those on the handler and its class.
   * `all`: the application's global ones too; mind that a global HTTP guard then refuses every task.
   * `none`: none at all. Parameter decorators always work. Default: `local`.
   */
  enhancers?: EnhancerScope;
  /** Larger encoded tasks are refused at `publish`, and become dead letters unread on arrival. In bytes. Default: 16 MiB. */
  maxTaskBytes?: number;
  /**
   * What the application's start does while the broker is away. `wait`: waits for it, within `startupTimeoutSeconds`, and
   * fails then; what the broker refuses (a password, for one) fails at once. `background`: does not wait; the connection
   * is made, and workers start, when the broker is there, and what is published until then waits within
   * `publishTimeoutSeconds`. `fail-fast`: fails with the first attempt that fails. Default: `wait`.
   */
  startup?: StartupMode;
  /** The first connection must succeed within this, or the application does not start; not with `startup: 'background'`. In seconds. Default: 30. */
  startupTimeoutSeconds?: number;
  /**
   * How long a shutdown may take, in seconds. Running tasks have nearly all of it; then their signals are
   * aborted and the broker gives them to other workers. Default: 25.
   */
  shutdownTimeoutSeconds?: number;
  /**
   * After how many seconds RabbitMQ takes an unsettled delivery away from its consumer (its `consumer_timeout`, which
   * cannot be read over AMQP): a task that runs for a third of it is taken over into what all processes share, so that
   * it is not run a second time meanwhile. Say it where your server has another value than RabbitMQ's own; 0: never.
   * Other brokers take nothing away from a process that lives. Default: 1800 on RabbitMQ, 0 on others.
   */
  consumerTimeoutSeconds?: number;
  /**
   * A process that has not said for so many seconds that it lives is thought to be dead, and what it had claimed to run
   * once (schedules, workflows, tasks that run for long) is started by another, and its places of limits that hold across
   * processes are free. On Redis such a process loses the tasks that it runs, too. The same in all processes. Default: 30.
   */
  takeoverSeconds?: number;
  /**
   * How long `publish` waits for the broker's confirmation, a reconnect included, before it rejects. In
   * seconds. Default: 30.
   */
  publishTimeoutSeconds?: number;
  /**
   * How results that are asked for come back. `amqp`: straight to the process that asked, over RabbitMQ. Or a store that every
   * process can read: `redis://localhost:6379/0`, `rediss:`, `mongodb://host/database`, `memcache://h1,h2`, `embedded:` (in
   * memory, this process), `embedded:./folder`; the driver of each is a package of its own. Or a
   * `StateBackend` of your own, made for this dispatcher alone, which connects and closes it. Default: `amqp` on RabbitMQ, the
   * broker's own store on Redis and on embedded ones.
   */
  resultBackend?: string | StateBackend;
  /** Where shared state or results are kept by RabbitMQ itself: how much of it. Default: 64 MiB, 200,000 entries. */
  ledger?: LedgerOptions;
  /** Which tasks have their results kept: `asked` (`result: true` on the task or at `publish`) or `all`. Default: `asked`. */
  results?: 'asked' | 'all';
  /** How long a result is kept after its last change, in seconds; without a store: by the process that asked. Default: 3600. */
  resultsExpireInSeconds?: number;
  /**
   * How long what is known of a workflow is kept after it was last written, in seconds: more than any one of its steps
   * may take, waiting in its queue included. Default: 604,800, a week.
   */
  workflowsExpireInSeconds?: number;
  /**
   * For how long the recorded steps of a task are kept from the last of them on, and beyond a time that it waits for; of a
   * dead letter, for a replay. Longer than a task may stay in a queue. Default: 2592000, 30 days.
   */
  stepsExpireInSeconds?: number;
  /** The largest result, encoded, in bytes. For a larger one its size is kept in its place. Default: 10 MiB. */
  maxResultBytes?: number;
  /** What runs around every publish and around every task of this dispatcher. Default: nothing. */
  middleware?: MiddlewareConfig;
  /** Where tasks with `thread: true` run. Needs the package `piscina`. Default: nowhere; such a task is an error at start. */
  threads?: ThreadsConfig;
  /** What this process tells whoever asks what it does, see `DispatcherService.inspect`. Default: everything, with secrets hidden. */
  inspection?: InspectionConfig;
}

/** Functions, instances, or classes of providers; the first of a list is outermost. @publicApi */
export interface MiddlewareConfig {
  /** Around `publish`, `publishMany` and clients: enrich a task, or keep it back by throwing. */
  publish?: PublishMiddlewareInput[];
  /** Around every task of every worker, outside of the task's own middleware and of Nest's guards and interceptors. */
  run?: RunMiddlewareInput[];
}

/** See {@link ServerConfig.claimCheck}. @publicApi */
export interface ClaimCheckConfig {
  /** Such as `folderClaims('./claims')`, or one of your own. */
  store: ClaimStore;
  /** Smaller bodies travel; as they travel, compressed and encrypted, they are counted. In bytes. Default: 262,144. */
  minBytes?: number;
  /**
   * `delete`: the body of a task that has succeeded, was called off or expired is removed a minute later. Only where each
   * task is in one queue: of two queues that take the same routing key, the first to be done would take the body from the
   * other. `keep`: all stay until `sweepClaims`, or a rule of the store, removes them. Default: `keep`.
   */
  whenDone?: 'keep' | 'delete';
  /** A store that has not answered by then is taken for one that is away. Default: 30. */
  timeoutSeconds?: number;
}

/** A queue declared at start. @publicApi */
export interface QueueConfig {
  /** Required; at most 250 bytes. */
  name: string;
  /** The queue is bound to the exchange with each of these. Default: none. */
  bindingKeys?: string[];
  /**
   * `classic`: durable, as gofort/dispatcher declares it. `quorum`: replicated, for clusters. `server-default`: without a
   * type, for a queue of a Go service on a RabbitMQ whose default type is not `classic`; see docs/rabbitmq.md. Default: `classic`.
   */
  type?: QueueTypeOption;
  /**
   * Who may read it: `gofort-strict`, workers of gofort/dispatcher too: what would end or mislead one is refused, whichever
   * way it goes to this queue or to one of its binding keys. Default: the `wire` of the dispatcher.
   */
  wire?: WireOption;
  /** How tasks look that are published to its binding keys, and how what is found in it is read where that cannot be seen. Default: the `format` of the dispatcher. */
  format?: FormatName;
}

/** See {@link ServerConfig.startup}. @publicApi */
export type StartupMode = 'wait' | 'background' | 'fail-fast';

/** See {@link ServerConfig.role}. @publicApi */
export type DispatcherRole = 'both' | 'publisher' | 'worker';

/** See {@link ServerConfig.enhancers}. @publicApi */
export type EnhancerScope = 'all' | 'local' | 'none';
