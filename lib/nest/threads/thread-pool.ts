import { tellStarted } from '../../worker/handler-context.js';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { Piscina } from 'piscina';
import { ConfigurationError, DispatcherError } from '../../errors.js';
import { GiveBack } from '../../worker/give-back.js';
import type { TaskContext } from '../../worker/task-context.js';
import type { EnhancerScope } from '../../dispatcher/config/server-config.js';
import type { ThreadFolder } from '../../dispatcher/config/working-folder.js';
import type { ResolvedThreads } from '../../dispatcher/config/threads-config.js';
import type { ThreadRunner } from './thread-runner.js';
import { canCross, unpackThrown, type ThreadCall, type ThreadNotice, type ThreadOutcome } from './thread-messages.js';

/** After its signal is aborted a handler has so long to put things down; then its thread is ended. */
const GRACE_MS = 100;
/** How long a task stays away that found no room. */
const FULL_PAUSE_SECONDS = 1;

/** Runs handlers in threads; each thread has a Nest context of its own, made at its first task. */
export class ThreadPool implements ThreadRunner {
  private pool: Piscina | undefined;

  constructor(private readonly config: ResolvedThreads | undefined, private readonly scope: EnhancerScope, private readonly entryFile = join(__dirname, 'thread-entry.js')) {}

  /** Shows at the start what would fail at each task; the threads themselves start with the first one. @throws ConfigurationError */
  prepare(where: string): void {
    if (this.config === undefined) throw noThreads(where);
    loadPiscina();
  }

  /** As a handler's `run`. Rejects as the handler did in its thread, or when the thread came to an end. */
  async run(name: string, args: unknown[], context: TaskContext, version = 1): Promise<unknown> {
    if (this.config === undefined) throw noThreads(`@Task('${name}')`);
    const pool = (this.pool ??= this.makePool(this.config));
    if (pool.queueSize >= this.config.maxQueue && pool.queueSize > 0) {
      throw new GiveBack(FULL_PAUSE_SECONDS, `${pool.queueSize} tasks wait for a thread already (threads.maxQueue).`);
    }
    const { port1, port2 } = new MessageChannel();
    const ending = new ThreadEnding(context, port1);
    port1.on('message', (notice: ThreadNotice) => hear(notice, context));
    let outcome: ThreadOutcome;
    try {
      const call: ThreadCall = { args, version, facts: factsOf(context), port: port2 };
      outcome = await pool.run(call, { filename: this.entryFile, transferList: [port2], signal: ending.signal }) as ThreadOutcome;
    } catch (error) {
      throw ending.signal.aborted ? context.signal.reason : crashed(name, error);
    } finally {
      ending.clear();
      hearRest(port1, context);
    }
    return valueOf(outcome);
  }

  /** The file is named with each call: a pool that cannot load its file at the start would start threads without end. */
  private makePool({ size = defaultThreads(), module, workingFolder }: ResolvedThreads): Piscina {
    const { Piscina: Pool } = loadPiscina();
    const pool = new Pool({
      minThreads: size, maxThreads: size,
      // With it a thread would sleep between tasks, and with it the timers and sockets of its Nest context.
      atomics: 'disabled',
      workerData: { modulePath: module, scope: this.scope, dispatcherWorkingFolder: workingFolder } satisfies ThreadFolder & Record<string, unknown>,
      // A thread must not start to consume, should its module contain a dispatcher.
      env: { ...process.env, DISPATCHER_ROLE: 'publisher' },
    });
    // A thread that fails between tasks is replaced; the next task says what is wrong, if anything is.
    pool.on('error', () => undefined);
    return pool;
  }

  async close(): Promise<void> {
    const { pool } = this;
    this.pool = undefined;
    await pool?.destroy();
  }
}

/** Turns the abort of a task into the end of its thread. */
class ThreadEnding {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private readonly onAbort: () => void;

  constructor(private readonly context: TaskContext, port: MessagePort) {
    this.onAbort = () => {
      const { name, message } = context.signal.reason as Error;
      port.postMessage({ kind: 'abort', name, message, code: (context.signal.reason as { code?: unknown }).code });
      this.timer = setTimeout(() => this.controller.abort(), GRACE_MS);
    };
    if (context.signal.aborted) this.onAbort();
    else context.signal.addEventListener('abort', this.onAbort, { once: true });
  }

  get signal(): AbortSignal { return this.controller.signal; }

  clear(): void {
    clearTimeout(this.timer);
    this.context.signal.removeEventListener('abort', this.onAbort);
  }
}

function hear(notice: ThreadNotice, context: TaskContext): void {
  if (notice.kind === 'started') tellStarted(context);
  else if (notice.kind === 'progress') context.progress(notice.fraction, notice.data);
  else if (notice.level === 'error') context.logger.error(notice.message, notice.stack);
  else context.logger[notice.level](notice.message);
}

/** The outcome comes another way and may have overtaken the last lines of the log. */
function hearRest(port: MessagePort, context: TaskContext): void {
  for (let left = receiveMessageOnPort(port); left !== undefined; left = receiveMessageOnPort(port)) hear(left.message as ThreadNotice, context);
  port.close();
}

function factsOf(context: TaskContext): ThreadCall['facts'] {
  const { uuid, name, attempt, redelivered, headers, queue, worker, state } = context;
  if (canCross(state)) return { uuid, name, attempt, redelivered, headers, queue, worker, state };
  throw new DispatcherError('ERR_DISPATCHER_THREAD_STATE',
    `context.state of task "${name}" has something that cannot be copied into its thread, such as a function or a class with private fields. Keep data in it.`, { task: name });
}

function valueOf(outcome: ThreadOutcome): unknown {
  if (outcome.ok) return outcome.value;
  throw unpackThrown(outcome.thrown);
}

/** Our own errors speak for themselves; whatever else ends the call is the end of the thread. */
function crashed(name: string, error: unknown): unknown {
  if (error instanceof DispatcherError) return error;
  return new DispatcherError('ERR_DISPATCHER_THREAD_CRASHED',
    `The thread of task "${name}" came to an end while it ran: ${(error as Error).message}. A process.exit(), an error that nobody caught, or too little memory does that; another thread takes its place.`,
    { task: name }, { cause: error });
}

function noThreads(where: string): ConfigurationError {
  return new ConfigurationError(
    `${where} has thread: true, but the dispatcher has no threads. Add threads: { module: require.resolve('./image.module') } to its configuration: `
    + 'the file of the Nest module that threads run.', { option: 'threads' });
}

function loadPiscina(): typeof import('piscina') {
  try {
    return createRequire(__filename)('piscina') as typeof import('piscina');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    throw new ConfigurationError('Tasks with thread: true need the package piscina, which is not installed. Install it: npm install piscina', { peer: 'piscina' }, error);
  }
}

/** One core stays with the event loop of the process. */
function defaultThreads(): number {
  return Math.max(1, availableParallelism() - 1);
}
