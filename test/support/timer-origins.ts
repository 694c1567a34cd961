/** Timers that were started and have not ended when this was last looked at, each with where it was started. */
const started = new Map<NodeJS.Timeout, Error>();
const LOOK_EVERY = 1_000;
let remembers = false;

type Start = (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => NodeJS.Timeout;

/** So that a timer which a test left behind can be told by name: Node itself says only that there is one. */
export function rememberTimers(): void {
  started.clear();
  // Another file of this process has done it.
  if (remembers) return;
  remembers = true;
  globalThis.setTimeout = remembering(setTimeout as Start, setTimeout);
  globalThis.setInterval = remembering(setInterval as Start, setInterval);
}

/** Where those were started that keep the process alive. */
export function openTimers(): string[] {
  return [...started].filter(([timer]) => isOpen(timer) && timer.hasRef()).map(([, { stack }]) => (stack ?? '').split('\n').slice(1).map((line) => line.trim()).join(' < '));
}

function remembering<T extends object>(start: Start, original: T): T {
  const wrapped: Start = (callback, ms, ...args) => {
    const timer = start(callback, ms, ...args);
    if (started.size >= LOOK_EVERY) forgetEnded();
    started.set(timer, originOf(wrapped));
    return timer;
  };
  // Node's own promisified form among others.
  return Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(original)) as unknown as T;
}

/** Its stack is made into text only when somebody reads it. */
function originOf(caller: Start): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 5;
  const origin = new Error('started');
  Error.captureStackTrace(origin, caller);
  Error.stackTraceLimit = stackTraceLimit;
  return origin;
}

function forgetEnded(): void {
  for (const timer of started.keys()) if (!isOpen(timer)) started.delete(timer);
}

function isOpen(timer: NodeJS.Timeout): boolean {
  return !(timer as unknown as { _destroyed: boolean })._destroyed;
}
