import type { ConnectionOptions } from 'node:tls';
import { ConfigurationError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { WIRES, type WireOption } from '../../task/wire.js';
import type { WorkerConfig } from '../../worker/worker-config.js';
import type { LogFields } from '../events/dispatcher-logger.js';
import type { LogTarget } from '../events/log-target.js';
import { checkBoolean, checkBrokerName, checkChoice, checkCount, checkName, checkSeconds, MAX_EXCHANGE_BYTES, refuseUnknown, requireObject } from './config-checks.js';
import { checkInspection, type ResolvedInspection } from './inspection-config.js';
import { pluggedParts, type PluggedParts } from './plugged-parts.js';
import { checkMiddlewares } from './check-middleware.js';
import { checkQueues, checkWorkers, queuesToDeclare, type DeclaredQueue } from './queue-config.js';
import { checkLedgerOptions, type LedgerOptions } from '../../state/amqp/ledger-options.js';
import { checkResults, type ResolvedResults } from './results-config.js';
import { checkOwnBroker, OWN_BROKER, type OwnBroker } from './own-broker.js';
import { checkThreads, type ResolvedThreads } from './threads-config.js';
import { Secret } from '../../urls/secret.js';
import { withAbsoluteFolder, workingFolder } from './working-folder.js';
import type { DispatcherRole, EnhancerScope, MiddlewareConfig, ServerConfig, StartupMode } from './server-config.js';

/** A configuration that has been checked, with its defaults filled in. Whatever may have a password in it is not to be seen. */
export interface ResolvedConfig extends PluggedParts {
  readonly broker: Secret<string>;
  /** In place of the one that the URL names. */
  readonly ownBroker?: OwnBroker | undefined;
  readonly exchange: string;
  readonly defaultRoutingKey: string;
  /** Of `initQueues` and of the workers: both are declared at start. */
  readonly queues: readonly DeclaredQueue[];
  readonly workers: readonly WorkerConfig[];
  /** Who reads queues of which nothing is said. */
  readonly wire: WireOption;
  readonly role: DispatcherRole;
  readonly reconnection: { readonly retries: number | 'forever'; readonly intervalMs?: number };
  readonly tls?: { readonly options: Secret<ConnectionOptions | undefined>; readonly force: boolean };
  readonly debugMode: boolean;
  readonly logger?: LogTarget;
  readonly structuredLogs?: LogFields | undefined;
  readonly enhancers: EnhancerScope;
  readonly maxTaskBytes: number;
  readonly startup: StartupMode;
  readonly startupTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  readonly publishTimeoutMs: number;
  /** After which the broker takes a delivery away; absent: never. */
  readonly consumerTimeoutMs: number | undefined;
  readonly takeoverMs: number;
  readonly workflowsExpireInMs: number;
  readonly stepsExpireInMs: number;
  readonly middleware: MiddlewareConfig;
  readonly threads: ResolvedThreads | undefined;
  readonly results: ResolvedResults;
  readonly ledger?: LedgerOptions | undefined;
  readonly inspection: ResolvedInspection;
  /** What works as written, but should be known. To be logged at start. */
  readonly warnings: readonly string[];
}

const OPTIONS: readonly (keyof ServerConfig)[] = [
  'broker', 'exchange', 'defaultRoutingKey', 'initQueues', 'workers', 'wire', 'format', 'formats', 'foreignResults', 'ids', 'idMakers', 'invokers', 'compression', 'compressions', 'encryption', 'signing', 'claimCheck', 'gates', 'role', 'reconnectionRetries', 'reconnectionRetriesForever',
  'reconnectionIntervalSeconds', 'tlsConfig', 'secureConnection', 'debugMode', 'logger', 'structuredLogs', 'enhancers', 'maxTaskBytes',
  'startup', 'startupTimeoutSeconds', 'shutdownTimeoutSeconds', 'publishTimeoutSeconds', 'consumerTimeoutSeconds', 'takeoverSeconds', 'middleware', 'threads', 'inspection',
  'resultBackend', 'ledger', 'results', 'resultsExpireInSeconds', 'maxResultBytes', 'workflowsExpireInSeconds', 'stepsExpireInSeconds',
];

/** As pino has it. */
const DEFAULT_MESSAGE_KEY = 'msg';
/** Beside the text of a line. */
const FIELD_NAMES = ['event', 'origin', 'task', 'error', 'details', 'stack', '__proto__'];
const DEFAULT_BROKER = 'amqp://guest:guest@localhost:5672/';
/** RabbitMQ's own. */
const DEFAULT_CONSUMER_TIMEOUT_SECONDS = 1800;
const DEFAULT_WORKFLOWS_EXPIRY_SECONDS = 7 * 24 * 3600;
const DEFAULT_STEPS_EXPIRY_SECONDS = 30 * 24 * 3600;
const DEFAULT_MAX_TASK_BYTES = 16 * 1024 * 1024;
const STARTUPS: readonly StartupMode[] = ['wait', 'background', 'fail-fast'];
const ROLES: readonly DispatcherRole[] = ['both', 'publisher', 'worker'];

/**
 * Checks a configuration and fills in its defaults. Pure: the environment is an argument, and so is the folder that
 * relative ones belong to. They are absolute from here on, whatever becomes of the working folder.
 *
 * @throws ConfigurationError that says what to write instead
 */
export function resolveConfig(config: ServerConfig, environment: Readonly<Record<string, string | undefined>> = {}, folder = workingFolder()): ResolvedConfig {
  requireObject(config, 'The configuration of the dispatcher', "{ exchange: 'tasks', defaultRoutingKey: 'tasks' }");
  const options: ServerConfig = config;
  refuseUnknown(options, OPTIONS, 'The configuration of the dispatcher');
  const initQueues = checkQueues(options.initQueues);
  const workers = checkWorkers(options.workers);
  const ownBroker = checkOwnBroker(options.broker, options.resultBackend);
  const broker = ownBroker === undefined ? withAbsoluteFolder(checkBrokerUrl(options.broker), folder) : OWN_BROKER;
  const tls = resolveTls(options, broker);
  const maxTaskBytes = checkCount(options.maxTaskBytes, 'maxTaskBytes', { minimum: 1, fallback: DEFAULT_MAX_TASK_BYTES });
  return {
    broker: new Secret(broker), ownBroker,
    exchange: checkBrokerName(options.exchange, 'exchange', "exchange: 'tasks'", MAX_EXCHANGE_BYTES),
    defaultRoutingKey: checkName(options.defaultRoutingKey, 'defaultRoutingKey', "defaultRoutingKey: 'tasks'"),
    queues: queuesToDeclare(initQueues, workers),
    workers,
    wire: checkChoice(options.wire, 'wire', WIRES, 'dispatcher'),
    ...pluggedParts(options, maxTaskBytes),
    role: resolveRole(options.role, environment.DISPATCHER_ROLE, workers),
    reconnection: resolveReconnection(options),
    tls, maxTaskBytes,
    debugMode: checkBoolean(options.debugMode, 'debugMode', false),
    logger: checkLogger(options.logger), structuredLogs: checkStructuredLogs(options.structuredLogs),
    enhancers: checkChoice(options.enhancers, 'enhancers', ['all', 'local', 'none'], 'local'),
    startup: checkChoice(options.startup, 'startup', STARTUPS, 'wait'),
    startupTimeoutMs: 1000 * checkSeconds(options.startupTimeoutSeconds, 'startupTimeoutSeconds', { fallback: 30, positive: true }),
    shutdownTimeoutMs: 1000 * checkSeconds(options.shutdownTimeoutSeconds, 'shutdownTimeoutSeconds', { fallback: 25 }),
    publishTimeoutMs: 1000 * checkSeconds(options.publishTimeoutSeconds, 'publishTimeoutSeconds', { fallback: 30, positive: true }),
    consumerTimeoutMs: 1000 * checkSeconds(options.consumerTimeoutSeconds, 'consumerTimeoutSeconds', { fallback: broker.startsWith('amqp') ? DEFAULT_CONSUMER_TIMEOUT_SECONDS : 0 }) || undefined,
    takeoverMs: 1000 * checkSeconds(options.takeoverSeconds, 'takeoverSeconds', { fallback: 30, positive: true }),
    workflowsExpireInMs: 1000 * checkSeconds(options.workflowsExpireInSeconds, 'workflowsExpireInSeconds', { fallback: DEFAULT_WORKFLOWS_EXPIRY_SECONDS, positive: true }),
    stepsExpireInMs: 1000 * checkSeconds(options.stepsExpireInSeconds, 'stepsExpireInSeconds', { fallback: DEFAULT_STEPS_EXPIRY_SECONDS, positive: true }),
    middleware: checkMiddlewareConfig(options.middleware),
    threads: checkThreads(options.threads, folder),
    results: checkResults(options, broker, folder),
    ledger: options.ledger === undefined ? undefined : checkLedgerOptions(options.ledger),
    inspection: checkInspection(options.inspection, options.resultBackend),
    warnings: [...tlsWarnings(tls), ...memoryWarnings(broker, options.resultBackend)],
  };
}

function checkBrokerUrl(broker: unknown): string {
  if (broker === undefined) return DEFAULT_BROKER;
  // The value may hold a password: it never goes into the text.
  if (typeof broker === 'string' && /^[a-z][a-z0-9+.-]*:/i.test(broker)) return broker;
  throw new ConfigurationError(
    `broker must be a URL such as "${DEFAULT_BROKER}" or "embedded:./folder", or a Broker of your own; found ${typeof broker === 'string' ? 'a string without a scheme' : display(broker)}.`,
    { option: 'broker' });
}

function checkMiddlewareConfig(middleware: MiddlewareConfig | undefined): MiddlewareConfig {
  if (middleware === undefined) return {};
  requireObject(middleware, 'middleware', '{ publish: [], run: [] }');
  refuseUnknown(middleware, ['publish', 'run'], 'middleware');
  const { publish, run }: MiddlewareConfig = middleware;
  return { publish: checkMiddlewares(publish, 'middleware.publish', 'publish'), run: checkMiddlewares(run, 'middleware.run', 'run') };
}

function resolveRole(role: unknown, override: string | undefined, workers: readonly WorkerConfig[]): DispatcherRole {
  const own = checkChoice(role, 'role', ROLES, 'both');
  const resolved = override === undefined || override === '' ? own : checkChoice(override, 'DISPATCHER_ROLE (environment)', ROLES, 'both');
  if (resolved === 'worker' && workers.length === 0) {
    throw new ConfigurationError(
      'The role is "worker", but workers is empty: this process would do nothing. '
      + "Add one, workers: [{ name: 'worker_1', queue: 'queue_1' }], or use role \"both\" where workers are made with createWorker.", { option: 'role' });
  }
  return resolved;
}

function resolveReconnection(options: ServerConfig): ResolvedConfig['reconnection'] {
  const { reconnectionRetries, reconnectionRetriesForever, reconnectionIntervalSeconds } = options;
  const limit = checkCount(reconnectionRetries, 'reconnectionRetries', { minimum: 0, fallback: 0 });
  const forever = checkBoolean(reconnectionRetriesForever, 'reconnectionRetriesForever', reconnectionRetries === undefined);
  const seconds = checkSeconds(reconnectionIntervalSeconds, 'reconnectionIntervalSeconds', { fallback: 0 });
  const retries = forever ? 'forever' : limit;
  return reconnectionIntervalSeconds === undefined ? { retries } : { retries, intervalMs: seconds * 1000 };
}

function resolveTls({ tlsConfig, secureConnection }: ServerConfig, broker: string): ResolvedConfig['tls'] {
  const force = checkBoolean(secureConnection, 'secureConnection', false);
  if (tlsConfig !== undefined) requireObject(tlsConfig, 'tlsConfig', "{ ca: readFileSync('ca.pem') }");
  const scheme = broker.slice(0, broker.indexOf(':')).toLowerCase();
  const isSecure = scheme === 'amqps' || scheme.startsWith('rediss');
  if (secureConnection === false && (isSecure || tlsConfig !== undefined)) {
    throw new ConfigurationError(
      `secureConnection is false, but ${isSecure ? `broker says ${scheme}:` : 'tlsConfig is given'}, which turns TLS on. `
      + 'Leave secureConnection out, or remove the other.', { option: 'secureConnection' });
  }
  if (tlsConfig === undefined && !force) return undefined;
  if (!isSecure && scheme !== 'amqp' && scheme !== 'redis' && scheme !== 'redis+sentinel') {
    throw new ConfigurationError(
      `${force ? 'secureConnection' : 'tlsConfig'} needs a broker that is reached over a network; broker is "${scheme}:". Remove it.`, { option: 'broker' });
  }
  return { options: new Secret(tlsConfig), force: true };
}

function checkLogger(logger: unknown): LogTarget | undefined {
  if (logger === undefined) return undefined;
  const methods = logger as Partial<Record<string, unknown>> | null;
  if (typeof methods === 'object' && methods !== null && ['log', 'warn', 'error'].every((name) => typeof methods[name] === 'function')) {
    return logger as LogTarget;
  }
  throw new ConfigurationError(
    `logger must have the methods log, warn and error, as a Nest LoggerService has; found ${display(logger)}. Leave it out for Nest's own.`, { option: 'logger' });
}

function checkStructuredLogs(structured: ServerConfig['structuredLogs']): LogFields | undefined {
  if (structured === undefined || structured === false) return undefined;
  if (structured === true) return { messageKey: DEFAULT_MESSAGE_KEY };
  requireObject(structured, 'structuredLogs', "{ messageKey: 'message' }, true or false");
  refuseUnknown(structured, ['messageKey'], 'structuredLogs');
  const { messageKey = DEFAULT_MESSAGE_KEY }: { messageKey?: unknown } = structured;
  if (typeof messageKey === 'string' && messageKey !== '' && !FIELD_NAMES.includes(messageKey)) return { messageKey };
  throw new ConfigurationError(`messageKey of structuredLogs must be a name other than ${FIELD_NAMES.join(', ')}; found ${display(messageKey)}.`, { option: 'structuredLogs' });
}

/** What processes share a broker for, they also remember together. */
function memoryWarnings(broker: string, resultBackend: ServerConfig['resultBackend']): string[] {
  const isInMemory = (url: string): boolean => /^embedded:(#|$)/i.test(url);
  if (typeof resultBackend !== 'string' || !isInMemory(resultBackend) || isInMemory(broker)) return [];
  return [`resultBackend is "${resultBackend}", the memory of this process, but other processes may share its broker: results, limits, unique keys, schedules and workflows then hold `
    + 'within this process only. Leave resultBackend out, or name a store that all of them reach.'];
}

function tlsWarnings(tls: ResolvedConfig['tls']): string[] {
  if (tls?.options.reveal()?.rejectUnauthorized !== false) return [];
  return ['tlsConfig.rejectUnauthorized is false: anybody on the way can pose as the broker and read every task. '
    + 'Give its certificate authority as tlsConfig.ca instead.'];
}
