/** Numbers as from a die that falls the same way for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const TEXTS = ['', 'plain', 'ünï <&> ☃ \u2028 "quoted" \\', '😀 \u0000 \n\t', '{"queue":"no","args":[1]}', ']}', 'x'.repeat(3_000)];

/** What JSON can say, in every kind: handlers get it as it is here. */
export function randomJson(random: () => number, depth = 2): unknown {
  const kinds = depth > 0 ? 8 : 6;
  switch (Math.floor(random() * kinds)) {
    case 0: return null;
    case 1: return random() < 0.5;
    case 2: return Math.floor((random() - 0.5) * 2 ** 40);
    case 3: return (2n ** 53n + 1n + BigInt(Math.floor(random() * 2 ** 40))) * (random() < 0.5 ? 1n : -1n);
    // Whole ones that a double cannot hold exactly come back as a bigint.
    case 4: return (random() - 0.5) * 10 ** Math.floor(random() * 30 - 20) + 0.1;
    case 5: return `${TEXTS[Math.floor(random() * TEXTS.length)]}${Math.floor(random() * 1_000)}`;
    case 6: return Array.from({ length: Math.floor(random() * 4) }, () => randomJson(random, depth - 1));
    default: return Object.fromEntries(Array.from({ length: Math.floor(random() * 4) }, (_, at) => [`k${at} ü`, randomJson(random, depth - 1)]));
  }
}

/** As JSON, integers of any size in digits. */
export function jsonOf(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  if (typeof value === 'object' && value !== null) return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${jsonOf(item)}`).join(',')}}`;
  return JSON.stringify(value);
}
