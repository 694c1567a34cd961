import { type Bucket, closesAt, opensAt, slotIn, type WheelShape, widthOf } from './wheel-shape.js';

/** While a slot is open its bucket is looked into so often, for what came late. */
const LONGEST_BETWEEN_MS = 10_000;

/** When to look into a bucket after `now`: when its slot opens, and while it is open again and again. */
export function nextLook(shape: WheelShape, bucket: Bucket, now: number): number {
  const slot = slotIn(shape, bucket, now);
  const opens = opensAt(shape, slot);
  if (opens > now) return opens;
  const again = now + Math.min(widthOf(shape, bucket.level), LONGEST_BETWEEN_MS);
  return again < closesAt(shape, slot) ? again : opensAt(shape, { ...slot, number: slot.number + shape.slots });
}

/** When to look into a bucket of which is heard only now. */
export function firstLook(shape: WheelShape, bucket: Bucket, now: number): number {
  return Math.max(now, opensAt(shape, slotIn(shape, bucket, now)));
}
