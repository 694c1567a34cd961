/** Numbers from 0 up to 1 that are the same each time. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function durations(count: number, of: (random: () => number, i: number) => number): readonly number[] {
  const random = sequence(count);
  return Array.from({ length: count }, (_, i) => of(random, i));
}

const SHORT_MS = 0.02;

/** How long tasks take, in milliseconds, in the order in which they stand in the queue. */
export const distributions: Readonly<Record<string, readonly number[]>> = {
  'all at once': durations(20_000, () => SHORT_MS),
  'all 1 ms': durations(10_000, () => 1),
  'all 20 ms': durations(2_000, () => 20),
  'all 200 ms': durations(400, () => 200),
  'exponential, mean 5 ms': durations(5_000, (random) => -5 * Math.log(1 - random())),
  'every tenth 100 ms': durations(2_000, (_, i) => i % 10 === 0 ? 100 : SHORT_MS),
  'one in ten 100 ms, by chance': durations(2_000, (random) => random() < 0.1 ? 100 : SHORT_MS),
  'one in a hundred 1 s': durations(5_000, (random) => random() < 0.01 ? 1_000 : SHORT_MS),
  'heavy tail, median 2 ms': durations(5_000, (random) => Math.min(2_000, (1 - random()) ** (-1 / 1.3) * 1.2)),
  'two kinds in turn, 1 and 50 ms': durations(2_000, (_, i) => i % 2 === 0 ? 1 : 50),
  'bursts of 200 short, then 20 long': durations(4_400, (_, i) => i % 220 < 200 ? SHORT_MS : 50),
  'short for long, then long': durations(10_400, (_, i) => i < 10_000 ? SHORT_MS : 100),
};
