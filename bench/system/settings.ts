/** What a system under test is told, as `key=value` arguments so that a C or Go program reads it as easily. */
export interface Settings {
  /** `both`: publishes and consumes in one process. */
  readonly role: 'publish' | 'consume' | 'both';
  /** URL of the server. */
  readonly server: string;
  /** Names the exchange; queues are `<prefix>.q1`, `<prefix>.q2`, ... */
  readonly prefix: string;
  readonly queues: number;
  readonly type: 'classic' | 'quorum';
  /** Tasks that are measured, after `warmup` tasks that are not. */
  readonly count: number;
  readonly warmup: number;
  /** Handlers at once per queue; prefetch or concurrency for systems that call it so. */
  readonly limit: number;
  /** `window`: always `window` unconfirmed; `one`: each awaited; `all`, `bulk`: batches of `window`; `paced`: `rate` per second; `chord`: all as one. */
  readonly publishing: 'window' | 'one' | 'all' | 'bulk' | 'paced' | 'chord';
  readonly window: number;
  readonly rate: number;
  readonly task: 'two' | 'noop';
  /** Length of the string argument; 0 is gofort's "simple string". */
  readonly payload: number;
  /** Each `longevery`-th task takes `longms` milliseconds; 0: none does. */
  readonly longevery: number;
  readonly longms: number;
  /** Says `bench finished` for each task, for scenarios in which several processes share the work. */
  readonly tally: 'on' | 'off';
  /** Variants of one system. */
  readonly ack: 'coalesced' | 'single';
  readonly mandatory: 'on' | 'off';
  /** A uuid as the message's id, beside the one in the body. */
  readonly messageid: 'on' | 'off';
  readonly enhancer: 'none' | 'interceptor' | 'pipe' | 'both';
  /** Each call of a handler waits so long, as for a database; `together`: one call is for up to 100 tasks. */
  readonly workms: number;
  readonly calls: 'single' | 'together';
  /** What observes it: the module without an SDK, spans that are made and dropped, metrics. */
  readonly telemetry: 'none' | 'no-sdk' | 'spans' | 'metrics';
  /** Each task is to run so much later than it is published. */
  readonly delayms: number;
  /** `first`: the first attempt of each task fails, and the second comes `RETRY_MS` later. */
  readonly fails: 'none' | 'first';
  /** `on`: a task counts as published when its result is back with the publisher. */
  readonly results: 'off' | 'on';
}

/** The same for every system that retries. */
export const RETRY_MS = 100;

export const defaults: Settings = {
  role: 'publish',
  server: '',
  prefix: 'bench',
  queues: 5,
  type: 'classic',
  count: 20_000,
  warmup: 2_000,
  limit: 100,
  publishing: 'window',
  window: 1_000,
  rate: 100,
  task: 'two',
  payload: 0,
  longevery: 0,
  longms: 0,
  tally: 'off',
  ack: 'coalesced',
  mandatory: 'off',
  messageid: 'off',
  enhancer: 'none',
  workms: 0,
  calls: 'single',
  telemetry: 'none',
  delayms: 0,
  fails: 'none',
  results: 'off',
};

export function formatSettings(settings: Settings): string[] {
  return Object.entries(settings).map(([key, value]) => `${key}=${value}`);
}

export function parseSettings(args: readonly string[]): Settings {
  const settings: Record<string, string | number> = { ...defaults };
  for (const arg of args) {
    const [key = '', ...rest] = arg.split('=');
    const value = rest.join('=');
    if (!(key in defaults)) throw new Error(`"${key}" is no setting; known: ${Object.keys(defaults).join(', ')}.`);
    settings[key] = typeof settings[key] === 'number' ? Number(value) : value;
  }
  return settings as unknown as Settings;
}

/** The queues' names, which are their routing keys as well. */
export function queueNames(settings: Pick<Settings, 'prefix' | 'queues'>): string[] {
  return Array.from({ length: settings.queues }, (_, i) => `${settings.prefix}.q${i + 1}`);
}
