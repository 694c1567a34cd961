/**
 * Who may import whom. `docs/ARCHITECTURE.md` says why; here it is enforced (`npm run lint`).
 * Imports of types count as imports: a circle of types is a circle in the reader's head.
 *
 * Everything may import rxjs: observables are part of the ports. What a rule does not name is allowed.
 */

/** I/O, and what makes a function give another answer tomorrow. */
const NODE_IO = '^(node:)?(fs|net|tls|http|https|http2|dgram|dns|child_process|cluster|worker_threads|os|process|timers|readline|crypto|perf_hooks)(/|$)';

/** Drivers, and the folders that may know them. */
const drivers = [
  { name: 'amqplib', folders: '^lib/((brokers|state)/)?amqp/', why: 'the same code must run on every broker' },
  { name: 'lmdb', folders: '^lib/lmdb/', why: 'its traps are known in one place' },
  { name: '(ioredis|redis|@redis)', folders: '^lib/(brokers|state)/redis/', why: 'it is optional: who does not use Redis does not install it' },
  { name: 'memcache-client', folders: '^lib/state/memcache/', why: 'it is optional: who does not use memcached does not install it' },
  { name: 'mongodb', folders: '^lib/state/mongodb/', why: 'it is optional: who does not use MongoDB does not install it' },
];

/** One block of the house: it may import its own folder and what is listed, nothing else of ours. */
function mayImport(name, folder, allowed, why) {
  return {
    name, severity: 'error', comment: why,
    from: { path: folder },
    to: { path: '^lib/', pathNot: [folder, ...allowed] },
  };
}

const TASK = '^lib/task/';
const ERRORS = '^lib/errors\\.ts$';
/** What a URL may look like, and how it is shown. */
const URLS = '^lib/urls/';
const FORMATS = '^lib/formats/';
const EVENTS = '^lib/events/';
/** How a connection to RabbitMQ is opened: the traps of the driver are dealt with once, for the broker and the result backend. */
const AMQP = '^lib/amqp/';
/** How a folder is opened and written: the traps of that driver, for the embedded broker and its results. */
const LMDB = '^lib/lmdb/';
const BROKER_PORT = '^lib/brokers/broker\\.ts$';
const STATE_PORT = '^lib/state/result-backend\\.ts$';
/** Who is told how a task ends. */
const OUTCOMES = '^lib/results/outcome-recorder\\.ts$';
const PORTS = [BROKER_PORT, STATE_PORT, OUTCOMES];
/** What the adapters of shared state share: the inner port that they implement, how a driver is loaded, and what expires when. */
const STATE_STORE = '^lib/state/(result-store|load-peer|expiry-buckets)\\.ts$';
/** The record of one task: pure, as task/ is; written by workers, read by workflows. */
const TASK_RESULT = '^lib/results/(task-result|task-error-record|result-value|result-codec)\\.ts$';
/** Who reads records: of a store, or of replies. */
const RESULT_READER = '^lib/results/result-reader\\.ts$';

/** One place for waiting and limits of time. */
const TIME = '^lib/time/';

module.exports = {
  forbidden: [
    {
      name: 'no-circles', severity: 'error',
      comment: 'One direction, no step visited twice.',
      from: { path: '^(lib|sample-app)/' },
      to: { circular: true },
    },
    {
      name: 'errors-import-nothing', severity: 'error',
      comment: 'Everybody throws them, so they know nobody.',
      from: { path: ERRORS },
      to: { path: '.' },
    },
    mayImport('task-imports-nothing-of-ours', TASK, [ERRORS],
      'task/ is the pure core. Together with errors.ts it stands below everything else.'),
    {
      name: 'task-is-pure', severity: 'error',
      comment: 'No I/O, no clock, no randomness in task/: they are parameters.',
      from: { path: [TASK, ERRORS] },
      to: { path: NODE_IO },
    },
    mayImport('formats-import-task', FORMATS, [TASK, ERRORS, BROKER_PORT],
      'formats/ -> task/. Exception: the types Message and MessageProperties of the broker port, which are what a '
      + 'format reads and writes. Only types: see formats-import-types-of-the-port.'),
    {
      name: 'formats-import-types-of-the-port', severity: 'error',
      comment: 'The exception of formats/ is for types: at run time a format knows no broker.',
      from: { path: FORMATS },
      to: { path: '^lib/brokers/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'formats-are-pure', severity: 'error',
      comment: 'Task to bytes and back, no I/O, no clock, no randomness.',
      from: { path: FORMATS },
      to: { path: NODE_IO },
    },
    mayImport('ports-import-task', '^lib/(brokers/broker|state/result-backend)\\.ts$', [TASK, ERRORS],
      'Ports speak of task/ types and of the errors that they document.'),
    {
      name: 'broker-adapters-import-their-port', severity: 'error',
      comment: 'An adapter knows its port, task/, errors.ts and its own folder; never another adapter.',
      from: { path: '^lib/brokers/([^/]+)/' },
      to: { path: '^lib/', pathNot: ['^lib/brokers/$1/', BROKER_PORT, TASK, ERRORS, TIME, AMQP, LMDB] },
    },
    mayImport('urls-import-errors', URLS, [ERRORS], 'Pure: whoever takes a URL may ask it.'),
    mayImport('time-imports-errors', TIME, [ERRORS], 'It stands below everything that waits, and knows nobody.'),
    mayImport('amqp-imports-errors', AMQP, [ERRORS, URLS], 'What both adapters of RabbitMQ share knows neither of them.'),
    {
      name: 'amqp-is-for-its-adapters', severity: 'error',
      comment: 'The same code must run on every broker: only the adapters of RabbitMQ know how it is connected.',
      from: { path: '^lib/', pathNot: ['^lib/(brokers|state)/amqp/', AMQP] },
      to: { path: AMQP },
    },
    mayImport('lmdb-imports-errors', LMDB, [ERRORS], 'What both embedded adapters share knows neither of them.'),
    {
      name: 'lmdb-is-for-its-adapters', severity: 'error',
      comment: 'The same code must run on every broker: only the embedded adapters know what a folder is.',
      from: { path: '^lib/', pathNot: ['^lib/(brokers|state)/embedded/', LMDB] },
      to: { path: LMDB },
    },
    {
      name: 'state-adapters-import-their-port', severity: 'error',
      comment: 'As for brokers.',
      from: { path: '^lib/state/(?!supervised/)([^/]+)/' },
      to: { path: '^lib/', pathNot: ['^lib/state/$1/', STATE_PORT, STATE_STORE, TASK, ERRORS, TIME, AMQP, URLS, LMDB] },
    },
    {
      name: 'task-results-are-pure', severity: 'error',
      comment: 'The record of a task: data to data, no I/O, no clock.',
      from: { path: TASK_RESULT },
      to: { path: NODE_IO },
    },
    mayImport('replies-import-ports', '^lib/results/replies/', [...PORTS, RESULT_READER, TASK_RESULT, TASK, ERRORS],
      'Results without a store: over the port of the broker, whichever it is.'),
    mayImport('task-results-import-task', TASK_RESULT, [TASK, ERRORS], 'The record of a task knows tasks and errors, no backend.'),
    ...['worker', 'schedules'].map((folder) => mayImport(
      `${folder}-imports-ports`, `^lib/${folder}/`, [...PORTS, TASK_RESULT, TASK, ERRORS, FORMATS, EVENTS, TIME],
      'Ports, task/, formats/, events/; never an adapter, so that every broker and backend will do.')),
    mayImport('workflows-import-ports', '^lib/workflows/', [...PORTS, TASK_RESULT, TASK, ERRORS, FORMATS, EVENTS, TIME, '^lib/worker/gates/task-gate\\.ts$'],
      'As worker/. Beside them the port by which workers let it take part in the life of a task.'),
    mayImport('control-imports-ports', '^lib/control/', [...PORTS, TASK, ERRORS, EVENTS, '^lib/worker/worker\\.ts$'],
      'As worker/, whose types it speaks of: control is written once for every broker.'),
    mayImport('dead-letters-import-ports', '^lib/dead-letters/', [BROKER_PORT, TASK, ERRORS, FORMATS, EVENTS, '^lib/worker/attempt-history\\.ts$'],
      'As worker/. Exception: the history of attempts, which workers write and dead letters show.'),
    {
      name: 'only-nest-knows-nestjs', severity: 'error',
      comment: 'nest/ is the door to Nest; everything else must work, and be tested, without it.',
      from: { path: '^lib/', pathNot: '^lib/nest/' },
      to: { path: '(^|node_modules/)(@nestjs|@golevelup)/' },
    },
    {
      name: 'nobody-imports-nest', severity: 'error',
      comment: 'nest/ stands on top: only the public API re-exports it.',
      from: { path: '^lib/', pathNot: ['^lib/nest/', '^lib/index\\.ts$'] },
      to: { path: '^lib/nest/' },
    },
    {
      name: 'only-nest-imports-the-dispatcher', severity: 'error',
      comment: 'dispatcher/ composes all the others: nobody imports it back.',
      from: { path: '^lib/', pathNot: ['^lib/(nest|dispatcher)/', '^lib/index\\.ts$'] },
      to: { path: '^lib/dispatcher/' },
    },
    {
      name: 'state-is-no-broker', severity: 'error',
      comment: 'What carries tasks and what processes remember together do not know each other.',
      from: { path: '^lib/state/' },
      to: { path: '^lib/(brokers|results)/' },
    },
    mayImport('dashboard-uses-the-public-api', '^lib/dashboard/', ['^lib/index\\.ts$'],
      'The dashboard is a user of the service, with no way of its own inside.'),
    {
      name: 'nobody-imports-the-index', severity: 'error',
      comment: 'index.ts is for users; from inside it would close a circle. The sub-path exports are users.',
      from: { path: '^lib/', pathNot: '^lib/(dashboard|testing)/' },
      to: { path: '^lib/index\\.ts$' },
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
    ...drivers.map(({ name, folders, why }) => ({
      name: `${name.replace(/\W+/g, '-')}-in-its-adapter`, severity: 'error',
      comment: `Only its adapters import it: ${why}.`,
      from: { path: '^lib/', pathNot: folders },
      to: { path: `(^|node_modules/)${name}(/|$)` },
    })),
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
