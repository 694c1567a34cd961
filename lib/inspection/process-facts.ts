import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { clock, type ClockTimer } from '../time/clock.js';
import type { ProcessInfo } from './model.js';

/**
 * The histogram is of times between two of its own timers, which are so far apart. Each wakes the process: a hundred a second,
 * in all processes of a machine, cost more than all that is answered.
 */
const RESOLUTION_MS = 100;
const NANOSECONDS = 1e6;
/** A window of the loop's delay: for so long it is measured before it begins anew. */
const WINDOW_MS = 1_000;
/** What is asked sooner after the last time gets the same answer. */
const FRESH_MS = 500;
/** Nobody has asked for so long: measuring ends. */
const IDLE_MS = 30_000;

export type ProcessFacts = Pick<ProcessInfo, 'memory' | 'cpu' | 'eventLoopLagMs'>;

/** Memory, CPU and the delay of the event loop, which is measured only while somebody asks. */
export class FactsOfProcess {
  private loop: IntervalHistogram | undefined;
  private windowSince = 0;
  private idle: ClockTimer | undefined;
  private cpu = { usage: process.cpuUsage(), at: clock.elapsed() };
  private latest: { readonly facts: ProcessFacts; readonly at: number } | undefined;

  read(): ProcessFacts {
    const now = clock.elapsed();
    clock.clear(this.idle);
    this.idle = clock.setTimeout(() => this.stop(), IDLE_MS).unref();
    if (this.latest !== undefined && now - this.latest.at < FRESH_MS) return this.latest.facts;
    const { rss, heapUsed } = process.memoryUsage();
    const facts = { memory: { rssBytes: rss, heapBytes: heapUsed }, cpu: this.cpuSince(now), eventLoopLagMs: this.lag(now) };
    this.latest = { facts, at: now };
    return facts;
  }

  stop(): void {
    clock.clear(this.idle);
    this.loop?.disable();
    this.loop = undefined;
  }

  private cpuSince(now: number): number {
    const usage = process.cpuUsage();
    const busyMs = (usage.user + usage.system - this.cpu.usage.user - this.cpu.usage.system) / 1000;
    const share = busyMs / Math.max(1, now - this.cpu.at);
    this.cpu = { usage, at: now };
    return Math.round(share * 1000) / 1000;
  }

  private lag(now: number): ProcessFacts['eventLoopLagMs'] {
    if (this.loop === undefined) {
      this.loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.loop.enable();
      this.windowSince = now;
      return { p50: 0, p99: 0 };
    }
    const percentile = (at: number): number => Math.max(0, Math.round(((this.loop?.percentile(at) ?? 0) / NANOSECONDS - RESOLUTION_MS) * 10) / 10);
    const lag = { p50: percentile(50), p99: percentile(99) };
    if (now - this.windowSince >= WINDOW_MS) {
      this.loop.reset();
      this.windowSince = now;
    }
    return lag;
  }
}
