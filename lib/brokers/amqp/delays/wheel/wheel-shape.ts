/**
 * The arithmetic of the timing wheel. Time is cut into slots, on each level into wider ones; a bucket is the queue that holds
 * what is due within one slot. A level has a fixed number of buckets, which its slots use in turn: the server keeps the
 * name of every quorum queue that it ever had for as long as it runs, so that a queue for each moment would fill its memory for good.
 * The numbers are part of the version in the names.
 */
export interface WheelShape {
  /** How wide a slot is, for each level; the first is the narrowest. */
  readonly widthsMs: readonly number[];
  /** How many buckets each level has at most. */
  readonly slots: number;
  /** By so much earlier than it begins is a slot of the first level opened. */
  readonly leadMs: number;
  /** What is put into a bucket must be there before it is opened: nothing is, within so much of that. */
  readonly marginMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const WHEEL: WheelShape = { widthsMs: [2_000, 2 * MINUTE_MS, 2 * HOUR_MS, 5 * DAY_MS, 300 * DAY_MS], slots: 72, leadMs: 500, marginMs: 500 };

/** Above the first level a slot is opened by such a part of its width earlier than it begins: so long it may take to put all of it into narrower ones. */
const LEAD_PART = 1 / 8;

/** One bucket: its level, and which of the buckets of that level it is. */
export interface Bucket {
  readonly level: number;
  readonly index: number;
}

/** A slot of time, on its level counted from 1970 on. */
export interface Slot {
  readonly level: number;
  readonly number: number;
}

/** The buckets of a wheel by their names: `<level>.<index>`, the routing key by which one is reached. */
export function bucketKey({ level, index }: Bucket): string {
  return `${level}.${String(index).padStart(2, '0')}`;
}

/** `undefined` for what is no bucket of this wheel: a note of another version, for one. */
export function readBucketKey(shape: WheelShape, key: string): Bucket | undefined {
  const [, level, index] = /^(\d)\.(\d\d)$/.exec(key) ?? [];
  const bucket = { level: Number(level), index: Number(index) };
  return bucket.level < shape.widthsMs.length && bucket.index < shape.slots ? bucket : undefined;
}

export function widthOf(shape: WheelShape, level: number): number {
  return shape.widthsMs[level] as number;
}

export function bucketOf(shape: WheelShape, { level, number }: Slot): Bucket {
  return { level, index: number % shape.slots };
}

/** From then on it is taken out. */
export function opensAt(shape: WheelShape, { level, number }: Slot): number {
  const widthMs = widthOf(shape, level);
  return number * widthMs - (level === 0 ? shape.leadMs : widthMs * LEAD_PART);
}

/** All that is in it is due by then. */
export function endsAt(shape: WheelShape, { level, number }: Slot): number {
  return (number + 1) * widthOf(shape, level);
}

/** So long it is looked into for what came late; then its bucket is the next slot's. */
export function closesAt(shape: WheelShape, slot: Slot): number {
  return endsAt(shape, slot) + widthOf(shape, slot.level);
}

/** Which slot a bucket is for now: the first that is not closed. */
export function slotIn(shape: WheelShape, { level, index }: Bucket, now: number): Slot {
  const first = firstLive(shape, level, now);
  return { level, number: first + (((index - first) % shape.slots) + shape.slots) % shape.slots };
}

/**
 * Where to put what is due at `due`: the narrowest slot that has a bucket by now. `undefined`: it is due so soon that a slot
 * which it could go into is open, or as good as open.
 *
 * @param lowest no narrower ones than those of this level
 */
export function slotFor(shape: WheelShape, due: number, now: number, lowest = 0): Slot | undefined {
  let farthest: Slot | undefined;
  for (let level = lowest; level < shape.widthsMs.length; level++) {
    const slot = { level, number: Math.floor(due / widthOf(shape, level)) };
    const isSoon = level === 0 && due - now <= widthOf(shape, 0);
    // A narrower one before it is opened in time, and then it is put into the right one.
    if (isSoon || opensAt(shape, slot) <= now + shape.marginMs) return farthest;
    farthest = { level, number: lastLive(shape, level, now) };
    if (slot.number <= farthest.number) return slot;
  }
  return farthest;
}

/** What can be put into no bucket is due within this at the latest. */
export function soonMs(shape: WheelShape): number {
  return widthOf(shape, 0) + shape.leadMs + shape.marginMs;
}

function firstLive(shape: WheelShape, level: number, now: number): number {
  return Math.floor(now / widthOf(shape, level)) - 1;
}

function lastLive(shape: WheelShape, level: number, now: number): number {
  return firstLive(shape, level, now) + shape.slots - 1;
}
