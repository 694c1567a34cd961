import type { BenchTask } from './contract.js';
import type { Settings } from './settings.js';

/** Microseconds since 1970, fit to be compared between processes of one machine. */
export function nowMicros(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

/** Makes the i-th task: a new object each time, as an application would. */
export function taskMaker(settings: Settings): (i: number) => BenchTask {
  if (settings.task === 'noop') return () => ({ name: 'task_1', args: [] });
  const text = settings.payload > 0 ? 'x'.repeat(settings.payload) : 'simple string';
  const mark = markMaker(settings);
  return (i) => ({
    name: 'task_1',
    args: [
      { type: 'string', value: text },
      { type: 'int', value: mark(i) },
    ],
  });
}

/** The second argument: when it was sent (for latency), how long to take (negative), or just 1. */
function markMaker(settings: Settings): (i: number) => number {
  if (settings.publishing === 'paced') return nowMicros;
  const { longevery, longms } = settings;
  return longevery > 0 ? (i) => (i % longevery === 0 ? -longms : 1) : () => 1;
}
