/**
 * Who may import whom. `docs/ARCHITECTURE.md` says why; here it is enforced (`npm run lint`).
 * Imports of types count as imports: a circle of types is a circle in the reader's head.
 *
 * What no rule allows is refused: each room may import itself and what its row lists, of `lib/` and of packages. A file
 * of `lib/` that is in no room may import nothing, and nobody may import it: whoever adds a folder adds its row.
 */

/** I/O, and what makes a function give another answer tomorrow. */
const NODE_IO = '^(node:)?(fs|net|tls|http|https|http2|dgram|dns|child_process|cluster|worker_threads|os|process|timers|readline|crypto|perf_hooks)(/|$)';

const ERRORS = '^lib/errors\\.ts$';
const TASK = '^lib/task/';
const TIME = '^lib/time/';
/** What a URL may look like, and how it is shown. */
const URLS = '^lib/urls/';
const FORMATS = '^lib/formats/';
const BODIES = '^lib/bodies/';
const CLAIMS = '^lib/claims/';
const EVENTS = '^lib/events/';
/** How a connection to RabbitMQ and its channels are opened: the traps of the driver are dealt with once, for the broker and the ledger. */
const AMQP = '^lib/amqp/';
/** How a folder is opened and written: the traps of that driver, for the embedded broker and its results. */
const LMDB = '^lib/lmdb/';
/** How Redis is reached and called: the traps of its driver, for the broker and the results. */
const REDIS = '^lib/redis/';
/** What brokers share: a connection that is kept, and consumers over a place with queues. */
const KEPT_CONNECTION = '^lib/brokers/connection/';
const QUEUE_STORE = '^lib/brokers/store/';
const BROKER_PORT = '^lib/brokers/broker\\.ts$';
const STATE_PORT = '^lib/state/state-backend\\.ts$';
/** What the stores of shared state have in common: the inner port that they implement, how a driver is loaded, and what expires when. */
const STATE_STORE = '^lib/state/(result-store|result-backend-options|load-peer|expiry-buckets)\\.ts$';
/** What a store takes, beside its port. */
const LEDGER_OPTIONS = '^lib/state/amqp/ledger-options\\.ts$';
const CREATE_STATE = '^lib/state/create-result-backend\\.ts$';
const RESULTS = '^lib/results/';
/** Who is told how a task ends, and the record of one: pure, as task/ is. */
const RECORDS = '^lib/results/(outcome-recorder|task-result|task-error-record|result-value|result-codec)\\.ts$';
/** States and results of tasks in the stores of other systems: the port, and all of it. */
const FOREIGN_PORT = '^lib/foreign/foreign-results\\.ts$';
const FOREIGN = '^lib/foreign/';
const SCHEDULES = '^lib/schedules/';
const WORKER = '^lib/worker/';
const INSPECTION = '^lib/inspection/';
const CAPABILITIES = ['^lib/workflows/', '^lib/dead-letters/', '^lib/control/', SCHEDULES, INSPECTION];
const DISPATCHER = '^lib/dispatcher/';
const CONTRACT = '^lib/contract/';
const NEST = '^lib/nest/';
const CLI = '^lib/cli/';
const DASHBOARD = '^lib/dashboard/';
const TERMINUS = '^lib/terminus/';
const S3 = '^lib/s3/';
const MARSHALLERS = '^lib/marshallers/';
const CONTRACT_SUITES = '^lib/contract-suites/';
const TESTING = '^lib/testing/';
const SCHEMATICS = '^lib/schematics/';
const OPENTELEMETRY = '^lib/opentelemetry/';
const PROMETHEUS = '^lib/prometheus/';
const OUTBOX = '^lib/outbox/';
const TELEMETRY = '^lib/telemetry/';
/** Names and texts, pure, and which dispatchers an application has. */
const OF_OBSERVERS = ['^lib/index\\.ts$', '^lib/nest/observed-dispatchers\\.ts$', '^lib/task/(error-text|headers)\\.ts$'];

const PORTS = [BROKER_PORT, STATE_PORT];

/** From the ground up; a room stands on those above it in this list. */
const rooms = [
  { name: 'errors', files: ERRORS, may: [], packages: [],
    why: 'Everybody throws them, so they know nobody.' },
  { name: 'error-codes', files: '^lib/error-codes\\.ts$', may: [], packages: [],
    why: 'A list for users.' },
  { name: 'time', files: TIME, may: [ERRORS], packages: [],
    why: 'It stands below everything that waits.' },
  { name: 'urls', files: URLS, may: [ERRORS], packages: [],
    why: 'Pure: whoever takes a URL, or holds its password, may ask it.' },
  { name: 'amqp', files: AMQP, may: [ERRORS, TIME, URLS], packages: ['amqplib'],
    why: 'What both adapters of RabbitMQ share knows neither of them.' },
  { name: 'lmdb', files: LMDB, may: [ERRORS], packages: ['lmdb'],
    why: 'What both embedded adapters share knows neither of them.' },
  { name: 'redis', files: REDIS, may: [ERRORS, TIME, URLS], packages: ['@redis/client'],
    why: 'As amqp/: what broker and results share of the driver knows neither of them.' },
  { name: 'task', files: TASK, may: [ERRORS], packages: ['@standard-schema/spec'],
    why: 'The pure core: together with errors.ts it stands below everything else.' },
  { name: 'contract', files: CONTRACT, may: [TASK, ERRORS], packages: ['@standard-schema/spec', 'yaml'],
    why: 'Pure: what tasks are told to be, how that is written, read and compared. What is told of a process is asked in dispatcher/.' },
  { name: 'broker-port', files: BROKER_PORT, may: [TASK, ERRORS], packages: ['rxjs'],
    why: 'A port speaks of task/ types and of the errors that it documents.' },
  { name: 'state-port', files: STATE_PORT, may: [ERRORS], packages: ['rxjs'],
    why: 'As the port of brokers; of tasks it knows nothing.' },
  { name: 'state-stores', files: STATE_STORE, may: [STATE_PORT, LEDGER_OPTIONS, ERRORS], packages: [],
    why: 'What stores have in common knows none of them, but what one may be told.' },
  { name: 'formats', files: FORMATS, may: [TASK, ERRORS, BROKER_PORT], packages: ['lossless-json', 'secure-json-parse'],
    why: 'Task to bytes and back. Exception: the types of messages in the broker port, which a format reads and writes; see formats-import-types-of-the-port.' },
  { name: 'bodies', files: BODIES, may: [TASK, ERRORS, BROKER_PORT], packages: [],
    why: 'Between the bytes of a format and those that travel: of formats it knows nothing. Exception: the types of messages in the broker port.' },
  { name: 'claims', files: CLAIMS, may: [TASK, ERRORS, BROKER_PORT, TIME], packages: [],
    why: 'Where large bodies are kept: of brokers it knows the form of a message.' },
  { name: 'events', files: EVENTS, may: [...PORTS, TASK, ERRORS, '^lib/schedules/due-ticks\\.ts$'], packages: [],
    why: 'What is reported speaks of everything that reports. Of schedules/ it takes how many ticks are counted, to say "or more".' },
  { name: 'broker-connection', files: KEPT_CONNECTION, may: [BROKER_PORT, ERRORS, TIME], packages: ['rxjs'],
    why: 'A connection that is made again, its states and events: the same for every server, and so without a driver.' },
  { name: 'broker-store', files: QUEUE_STORE, may: [BROKER_PORT, TASK, ERRORS, TIME], packages: [],
    why: 'Consumers, browsing and purging over any place with queues: no adapter by its name.' },
  { name: 'broker-adapter-amqp', files: '^lib/brokers/amqp/', may: [BROKER_PORT, KEPT_CONNECTION, TASK, ERRORS, TIME, URLS, AMQP], packages: ['amqplib', 'rxjs'],
    why: 'An adapter knows its port, task/, errors.ts and its driver; never another adapter, and nothing of what processes remember.' },
  { name: 'broker-adapter-embedded', files: '^lib/brokers/embedded/', may: [BROKER_PORT, QUEUE_STORE, TASK, ERRORS, TIME, URLS, LMDB], packages: ['rxjs'],
    why: 'As brokers/amqp/.' },
  { name: 'broker-adapter-redis', files: '^lib/brokers/redis/', may: [BROKER_PORT, KEPT_CONNECTION, QUEUE_STORE, TASK, ERRORS, TIME, URLS, REDIS], packages: ['@redis/client', 'rxjs'],
    why: 'As brokers/amqp/. Who does not use Redis does not install its driver.' },
  { name: 'state-adapter-amqp', files: '^lib/state/amqp/', may: [STATE_PORT, STATE_STORE, ERRORS, TIME, URLS, AMQP], packages: ['amqplib'],
    why: 'A store knows its port and its driver; never another store, and no broker.' },
  { name: 'state-adapter-embedded', files: '^lib/state/embedded/', may: [STATE_PORT, STATE_STORE, ERRORS, TIME, LMDB], packages: [],
    why: 'As state/amqp/.' },
  { name: 'state-adapter-redis', files: '^lib/state/redis/', may: [STATE_PORT, STATE_STORE, ERRORS, TIME, URLS, REDIS], packages: ['@redis/client'],
    why: 'As state/amqp/. Who does not use Redis does not install its driver.' },
  { name: 'state-adapter-mongodb', files: '^lib/state/mongodb/', may: [STATE_PORT, STATE_STORE, ERRORS, TIME, URLS], packages: ['mongodb'],
    why: 'As state/redis/.' },
  { name: 'state-adapter-memcache', files: '^lib/state/memcache/', may: [STATE_PORT, STATE_STORE, ERRORS, TIME, URLS], packages: ['memcache-client'],
    why: 'As state/redis/.' },
  { name: 'state-supervised', files: '^lib/state/supervised/', may: [STATE_PORT, STATE_STORE, ERRORS, TIME], packages: ['rxjs'],
    why: 'What makes a port of whatever is a store: none by its name.' },
  { name: 'state-creation', files: CREATE_STATE, may: ['^lib/state/', REDIS, ERRORS], packages: [],
    why: 'From a URL to its store: the one place that knows them all.' },
  { name: 'results', files: RESULTS, may: [...PORTS, TASK, ERRORS, TIME], packages: [],
    why: 'The record of a task, who is told and who reads: over ports, whatever keeps it.' },
  { name: 'foreign-port', files: FOREIGN_PORT, may: [BROKER_PORT, FORMATS, '^lib/results/result-reader\\.ts$', TASK], packages: [],
    why: 'A port speaks of tasks, of what is to be sent, and of how results are read.' },
  { name: 'foreign', files: FOREIGN, may: ['^lib/state/', RESULTS, BROKER_PORT, FORMATS, TASK, ERRORS, TIME, URLS, AMQP, REDIS], packages: ['amqplib', 'mongodb', 'rxjs'],
    why: 'What other systems keep of tasks, by stores that their formats know nothing of. A worker sees the port alone.' },
  { name: 'worker', files: WORKER, may: [...PORTS, FOREIGN_PORT, RECORDS, TASK, ERRORS, FORMATS, EVENTS, TIME], packages: ['@standard-schema/spec'],
    why: 'Ports, never an adapter, so that every broker and store will do.' },
  { name: 'schedules', files: SCHEDULES, may: [...PORTS, RECORDS, TASK, ERRORS, FORMATS, EVENTS, TIME], packages: ['croner', 'uuid'],
    why: 'As worker/.' },
  { name: 'workflows', files: '^lib/workflows/', may: [...PORTS, RECORDS, TASK, ERRORS, FORMATS, EVENTS, TIME, '^lib/worker/gates/task-gate\\.ts$'], packages: ['uuid'],
    why: 'As worker/. Beside them the port by which workers let it take part in the life of a task.' },
  { name: 'control', files: '^lib/control/', may: [...PORTS, TASK, ERRORS, EVENTS, TIME, '^lib/worker/worker\\.ts$'], packages: [],
    why: 'As worker/, whose types it speaks of: control is written once for every broker.' },
  { name: 'dead-letters', files: '^lib/dead-letters/', may: [BROKER_PORT, TASK, ERRORS, FORMATS, EVENTS, '^lib/worker/attempt-history\\.ts$'], packages: [],
    why: 'As worker/. Exception: the history of attempts, which workers write and dead letters show.' },
  { name: 'inspection', files: INSPECTION, may: [BROKER_PORT, CONTRACT, RECORDS, TASK, ERRORS, EVENTS, TIME, '^lib/control/pause\\.ts$', '^lib/worker/run-observer\\.ts$', '^lib/schedules/schedule\\.ts$', '^lib/workflows/workflow-info\\.ts$'], packages: ['rxjs'],
    why: 'What runs is told to it, what is kept is given to it: it speaks of pauses and of the port by which workers tell of runs, and of no other part.' },
  { name: 'dispatcher', files: DISPATCHER, packages: ['secure-json-parse', '@standard-schema/spec', 'rxjs', 'uuid'],
    may: ['^lib/brokers/', '^lib/state/', RESULTS, FOREIGN, WORKER, ...CAPABILITIES, CONTRACT, TASK, ERRORS, FORMATS, BODIES, CLAIMS, EVENTS, TIME, URLS],
    why: 'It composes all the others, and must work, and be tested, without Nest.' },
  { name: 'nest', files: NEST, packages: ['@nestjs/[^/]+', '@golevelup/nestjs-discovery', '@standard-schema/spec', 'reflect-metadata', 'rxjs', 'piscina'],
    may: [DISPATCHER, BROKER_PORT, WORKER, ...CAPABILITIES, CONTRACT, TASK, ERRORS, EVENTS, URLS],
    why: 'The door to Nest: what stands behind it is of dispatcher/ and of the types that users see.' },
  { name: 'cli', files: CLI, packages: ['commander', 'lossless-json', 'amqplib'],
    may: [DISPATCHER, INSPECTION, CONTRACT, BROKER_PORT, '^lib/brokers/embedded/embedded-url\\.ts$', '^lib/brokers/amqp/topology/(adoption|declaration-failure|queue-arguments|server-version)\\.ts$', AMQP, REDIS, ...CAPABILITIES, TASK, ERRORS, EVENTS, TIME, URLS, FORMATS, RESULTS],
    why: 'A face of dispatcher/, without Nest. Of RabbitMQ and Redis it knows what doctor/ asks of a server before anything else can use it, and whether there is an exchange.' },
  { name: 'index', files: '^lib/index\\.ts$', packages: [],
    may: ['^lib/error-codes\\.ts$', NEST, DISPATCHER, ...PORTS, LEDGER_OPTIONS, FORMATS, BODIES, CLAIMS, RESULTS, WORKER, ...CAPABILITIES, CONTRACT, TASK, ERRORS, EVENTS],
    why: 'The public API: it re-exports, and inside is imported by the dashboard alone.' },
  { name: 'dashboard', files: DASHBOARD, packages: ['@nestjs/(common|core)', 'lossless-json', 'secure-json-parse'],
    may: ['^lib/index\\.ts$', '^lib/nest/module-registry\\.ts$', INSPECTION, TASK, ERRORS, EVENTS, TIME],
    why: 'A user of the dispatcher as others are: by the public API, and what inspection tells. Of nest/ it takes the names of the dispatchers. Nobody imports it back.' },
  { name: 'schematics', files: SCHEMATICS, packages: [], may: [],
    why: 'What `nest add` runs in an application in which nothing is installed yet but this package: text to text.' },
  { name: 'testing', files: TESTING, packages: ['@nestjs/common', 'rxjs', 'vitest'],
    may: [BROKER_PORT, '^lib/brokers/embedded/(embedded-broker|embedded-url|message-store|broadcast-ring)\\.ts$', '^lib/brokers/store/(clock|queue-store)\\.ts$', DISPATCHER, NEST, CONTRACT, EVENTS, FORMATS, TASK, ERRORS, TIME, '^lib/worker/middleware\\.ts$', ...CAPABILITIES],
    why: 'For the tests of users: puts brokers in memory and a time of its own in the place of the real ones. Of vitest it takes a type. Nobody imports it back.' },
  { name: 'contract-suites', files: CONTRACT_SUITES, packages: [], may: [FORMATS, '^lib/claims/claim-store\\.ts$', BROKER_PORT, STATE_PORT, '^lib/worker/gates/task-gate\\.ts$', TASK, ERRORS, TIME],
    why: 'What ports of the public API promise, as tests for whoever implements one. It takes the functions of a test runner, and knows none. Nobody imports it back.' },
  { name: 'marshallers', files: MARSHALLERS, packages: ['@msgpack/msgpack', 'cbor-x'], may: ['^lib/index\\.ts$'],
    why: 'As terminus/, for whoever has the library of one of them. Nobody imports it back.' },
  { name: 's3', files: S3, packages: ['@aws-sdk/client-s3'], may: ['^lib/index\\.ts$'],
    why: 'As terminus/, for whoever has @aws-sdk/client-s3. Nobody imports it back.' },
  { name: 'terminus', files: TERMINUS, packages: ['@nestjs/(common|core|terminus)'], may: ['^lib/index\\.ts$'],
    why: 'A user of the dispatcher as others are, for whoever has @nestjs/terminus. Nobody imports it back.' },
  { name: 'telemetry', files: TELEMETRY, packages: [], may: [...OF_OBSERVERS, TIME],
    why: 'What is measured, whoever it is told to: over events and inspection, as a user of the dispatcher. Of Nest it knows nothing.' },
  { name: 'prometheus', files: PROMETHEUS, packages: ['@nestjs/(common|core)', 'prom-client'], may: [...OF_OBSERVERS, TELEMETRY],
    why: 'As terminus/, for whoever has prom-client. Nobody imports it back.' },
  { name: 'outbox', files: OUTBOX, packages: ['@nestjs/(common|core)'], may: ['^lib/index\\.ts$', '^lib/nest/observed-dispatchers\\.ts$', TIME],
    why: 'As terminus/, for whoever has a database. Of the libraries for databases it knows what they have in common, and imports none. Nobody imports it back.' },
  { name: 'opentelemetry', files: OPENTELEMETRY, packages: ['@nestjs/(common|core)', '@opentelemetry/api'],
    may: [...OF_OBSERVERS, TELEMETRY, '^lib/worker/(handler-context|give-back)\\.ts$'],
    why: 'As terminus/, for whoever has an OpenTelemetry SDK. Of worker/ it takes what lets a trace go along with a run past its handler. Nobody imports it back.' },
];

/** One row of the table as two rules: what of ours, and which packages. */
function rulesOf({ name, files, may, packages, why }) {
  const from = { path: files };
  return [
    { name: `room-${name}`, severity: 'error', comment: why, from, to: { path: '^lib/', pathNot: [files, ...may] } },
    { name: `packages-${name}`, severity: 'error', comment: why, from,
      to: { path: '(^|/)node_modules/', pathNot: packages.map((known) => `(^|/)node_modules/(@types/)?${known}/`) } },
  ];
}

/** All that is made of data alone. */
const PURE = [TASK, CONTRACT, ERRORS, URLS, FORMATS, EVENTS, '^lib/results/(task-result|task-error-record|result-value|result-codec)\\.ts$'];

module.exports = {
  forbidden: [
    {
      name: 'no-circles', severity: 'error',
      comment: 'One direction, no step visited twice.',
      from: { path: '^(lib|sample-app)/' },
      to: { circular: true },
    },
    ...rooms.flatMap(rulesOf),
    {
      name: 'a-room-has-a-rule', severity: 'error',
      comment: 'What no rule allows is refused: add a row to the rooms.',
      from: { path: '^lib/', pathNot: rooms.map(({ files }) => files) },
      to: {},
    },
    {
      name: 'nobody-imports-a-room-without-a-rule', severity: 'error',
      comment: 'As a-room-has-a-rule, for what imports nothing itself.',
      from: {},
      to: { path: '^lib/', pathNot: rooms.map(({ files }) => files) },
    },
    {
      name: 'pure', severity: 'error',
      comment: 'Data to data: no I/O, no clock, no randomness; they are parameters.',
      from: { path: PURE },
      to: { path: NODE_IO },
    },
    {
      name: 'formats-import-types-of-the-port', severity: 'error',
      comment: 'The exception of formats/ is for types: at run time a format knows no broker.',
      from: { path: FORMATS },
      to: { path: '^lib/brokers/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'lib-stands-alone', severity: 'error',
      comment: 'What is published imports nothing of what is not.',
      from: { path: '^lib/' },
      to: { path: '^(test|bench|sample-app|scripts)/' },
    },
    {
      name: 'sample-app-is-a-user', severity: 'error',
      comment: 'The sample app imports the package by its public name, as its readers will.',
      from: { path: '^sample-app/' },
      to: { path: '^(lib|test|bench)/', dependencyTypes: ['local'] },
    },
    {
      name: 'no-unresolvable', severity: 'error',
      comment: 'An import that leads nowhere is checked by no rule. The public name leads to dist/, which only a build makes.',
      from: { path: '^(lib|sample-app)/' },
      to: { couldNotResolve: true, pathNot: '^nestjs-dispatcher(/|$)' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: ['node_modules', '^dist/'] },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'require', 'node', 'default'], extensions: ['.ts', '.d.ts', '.js', '.json'] },
  },
};
