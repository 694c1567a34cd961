const WIDE_INTEGERS = new Set(['int64', 'uint64', '[]int64', '[]uint64']);
const FLOATS = new Set(['float32', 'float64', '[]float32', '[]float64']);
/** More digits than any 64-bit integer; the limit keeps a megabyte of them from being parsed. */
const DECIMAL = /^-?\d{1,40}$/;

/**
 * The value of one argument as JSON says it, as the dispatcher takes it. Two things differ:
 * a 64-bit integer may also come as a string of digits, as in the JSON of Protocol Buffers, because
 * many a client (`JSON.stringify`, for one) cannot write it as an exact number; and a float may come
 * as an integer of many digits, which the exact parser has made a bigint.
 */
export function readArgumentValue(type: string, value: unknown): unknown {
  if (Array.isArray(value) && type.startsWith('[]')) return value.map((item) => readArgumentValue(type, item));
  if (WIDE_INTEGERS.has(type) && typeof value === 'string' && DECIMAL.test(value)) return BigInt(value);
  if (FLOATS.has(type) && typeof value === 'bigint') return Number(value);
  return value;
}
