import { createRequire, syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { takeTimeFrom, type TimeSource } from '../../lib/time/clock.js';

const load = createRequire(join(process.cwd(), 'package.json'));
const crypto = load('node:crypto') as { randomUUID: unknown; randomBytes: unknown };
const real = {
  setImmediate: globalThis.setImmediate, clearImmediate: globalThis.clearImmediate, setTimeout: globalThis.setTimeout, setInterval: globalThis.setInterval,
  clearTimeout: globalThis.clearTimeout, clearInterval: globalThis.clearInterval, dateNow: Date.now, performanceNow: performance.now.bind(performance), mathRandom: Math.random,
  randomUUID: crypto.randomUUID as () => string, randomBytes: crypto.randomBytes as (size: number) => Buffer,
};

/** What Node gives a process that no two runs have in common. */
export interface Surroundings {
  readonly time: TimeSource;
  /** Something simulated runs now; what else runs in this process, such as the test runner, keeps Node's own. */
  isInside(): boolean;
  random(): number;
  setImmediate(run: () => void): object;
  clearImmediate(immediate: object): void;
}

/** Every promise that could go on has, and so has `process.nextTick`. */
export function drained(): Promise<void> {
  return new Promise((resolve) => void real.setImmediate(resolve));
}

export const realNow = (): number => real.performanceNow();

/**
 * Puts what is simulated in the place of Node's own time, timers and chance, for everything that a step calls, the
 * library's dependencies included. What is left are promises, whose order is fixed. Returns what gives it back.
 */
export async function takeOver(surroundings: Surroundings): Promise<() => void> {
  const uuids = await uuidSources();
  // Most of what an error costs, and nobody reads it: where one is caught by nobody, its text says what it was.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const giveTimeBack = takeTimeFrom(surroundings.time);
  const bytes = (size: number): Buffer => Buffer.from(Array.from({ length: size }, () => Math.floor(surroundings.random() * 256)));
  const inside = <Arguments extends unknown[], Result>(simulated: (...args: Arguments) => Result, own: (...args: Arguments) => Result) =>
    (...args: Arguments): Result => (surroundings.isInside() ? simulated(...args) : own(...args));
  const randomUUID = inside(() => uuidFrom(bytes(16)), real.randomUUID);
  Object.assign(globalThis, timersOf(surroundings, inside as Inside));
  Date.now = inside(() => surroundings.time.now(), real.dateNow);
  // The machine itself is measured by it, which never stands still here.
  performance.now = inside(() => 0, real.performanceNow);
  Math.random = inside(() => surroundings.random(), real.mathRandom);
  Object.assign(crypto, { randomUUID, randomBytes: inside(bytes, real.randomBytes) });
  for (const source of uuids) source.randomUUID = randomUUID;
  syncBuiltinESMExports();
  return () => {
    giveTimeBack();
    Error.stackTraceLimit = stackTraceLimit;
    const { setImmediate, clearImmediate, setTimeout, setInterval, clearTimeout, clearInterval } = real;
    Object.assign(globalThis, { setImmediate, clearImmediate, setTimeout, setInterval, clearTimeout, clearInterval });
    Object.assign(Date, { now: real.dateNow });
    Reflect.deleteProperty(performance, 'now');
    Math.random = real.mathRandom;
    Object.assign(crypto, { randomUUID: real.randomUUID, randomBytes: real.randomBytes });
    for (const source of uuids) source.randomUUID = real.randomUUID;
    syncBuiltinESMExports();
  };
}

type Inside = (simulated: (...args: never[]) => unknown, own: (...args: never[]) => unknown) => unknown;

/** A timer is cleared by whoever made it, also where nothing simulated runs. */
function timersOf({ time, setImmediate, clearImmediate }: Surroundings, inside: Inside): object {
  const ours = new WeakSet<object>();
  const set = (make: (callback: () => void, ms: number) => object) => (callback: (...args: unknown[]) => void, ms = 1, ...args: unknown[]): object => {
    const timer = make(() => callback(...args), ms);
    ours.add(timer);
    return timer;
  };
  const cleared = (clear: (timer: object) => void, own: (timer: never) => void) => (timer: unknown): void => {
    if (typeof timer === 'object' && timer !== null && ours.has(timer)) clear(timer);
    else own(timer as never);
  };
  const setSoon = (run: (...args: unknown[]) => void, ...args: unknown[]): object => {
    const immediate = setImmediate(() => run(...args));
    ours.add(immediate);
    return immediate;
  };
  return {
    setTimeout: inside(set((callback, ms) => time.setTimeout(callback, ms)), real.setTimeout),
    // By the same: nothing else has one that is not of the library's clock.
    setInterval: inside(() => inert(), real.setInterval),
    clearTimeout: cleared((timer) => time.clear(timer as never), real.clearTimeout),
    clearInterval: cleared((timer) => time.clear(timer as never), real.clearInterval),
    setImmediate: inside(setSoon, real.setImmediate), clearImmediate: cleared(clearImmediate, real.clearImmediate),
  };
}

function inert(): object {
  const timer = { ref: () => timer, unref: () => timer };
  return timer;
}

/** The package `uuid` has taken Node's function when it was loaded, once for each kind of module. */
async function uuidSources(): Promise<{ randomUUID: unknown }[]> {
  const folder = join(load.resolve('uuid/package.json'), '..', 'dist');
  const esm = await import(pathToFileURL(join(folder, 'esm', 'native.js')).href) as { default: { randomUUID: unknown } };
  return [esm.default, (load(join(folder, 'cjs', 'native.js')) as { default: { randomUUID: unknown } }).default];
}

function uuidFrom(bytes: Buffer): string {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
