import { parse, stringify } from 'lossless-json';
import { DispatcherError } from '../../errors.js';

const INTEGER = /^-?\d+$/;

/** Plain data as JSON: integers of any size exact, instants as ISO 8601, bytes as base64, what is undefined left out. */
export function toJson(data: unknown, indent?: number): string {
  return stringify(plain(data), undefined, indent) ?? 'null';
}

/** JSON with integers that a number cannot hold as bigints. @throws SyntaxError */
export function fromJson(text: string): unknown {
  return parse(text, undefined, {
    parseNumber: (digits) => {
      const value = Number(digits);
      return Number.isSafeInteger(value) || !INTEGER.test(digits) ? value : BigInt(digits);
    },
  });
}

function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value === 'function' || typeof value === 'symbol' ? undefined : value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof DispatcherError) return plain({ code: value.code, message: value.message, fields: value.fields });
  if (value instanceof Error) return { message: value.message };
  if (Array.isArray(value)) return value.map((item) => plain(item) ?? null);
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => [key, plain(item)]));
}
