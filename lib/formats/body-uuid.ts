/** Constants of MurmurHash3, whose mixing this is. */
const [FIRST, SECOND, THIRD] = [0x85ebca6b, 0xc2b2ae35, 0x9e3779b1];

/**
 * A uuid of version 8 made of what a message says, for one that has none: the same each time that it is delivered. No
 * secret, and no proof against whoever wants two messages to have the same.
 */
export function bodyUuid(beside: string, body: Buffer): string {
  const bytes = Buffer.concat([Buffer.from(beside), body]);
  const words = [0, 1, 2, 3].map((seed) => hash(bytes, seed).toString(16).padStart(8, '0')).join('');
  return `${words.slice(0, 8)}-${words.slice(8, 12)}-8${words.slice(13, 16)}-a${words.slice(17, 20)}-${words.slice(20)}`;
}

function hash(bytes: Buffer, seed: number): number {
  let state = Math.imul(seed + 1, THIRD) ^ bytes.length;
  for (const byte of bytes) {
    state = Math.imul(state ^ byte, FIRST);
    state ^= state >>> 15;
  }
  state = Math.imul(state ^ (state >>> 13), SECOND);
  return (state ^ (state >>> 16)) >>> 0;
}
