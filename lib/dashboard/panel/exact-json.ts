import { parse, stringify } from 'lossless-json';
import secureJson from 'secure-json-parse';
import type { TaskArgument } from '../../task/task.js';
import { badRequest } from '../http/refusal.js';

const INTEGER = /^-?\d+$/;

/** As JSON text, integers of any size exact. Whatever cannot be said so is named instead. */
export function exactText(value: unknown, indent?: number): string {
  try {
    return stringify(value, undefined, indent) ?? 'undefined';
  } catch {
    return '(cannot be shown as JSON)';
  }
}

/**
 * The arguments that somebody has typed: a JSON list of `{ type, value }`. Their types are checked when they are sent.
 *
 * @throws Refusal
 */
export function argumentsOf(text: string): TaskArgument[] {
  const list = exactValue(text);
  if (!Array.isArray(list)) throw badRequest('Arguments are a JSON list such as [{ "type": "int", "value": 5 }].');
  return list.map((entry: unknown, index) => {
    if (typeof entry !== 'object' || entry === null || !('type' in entry) || !('value' in entry) || Object.keys(entry).length > 2 || typeof entry.type !== 'string') {
      throw badRequest(`Argument ${index} must be an object of a type and a value, such as { "type": "int", "value": 5 }.`);
    }
    return { type: entry.type, value: fitting(entry.type, entry.value) } as TaskArgument;
  });
}

/** @throws Refusal */
export function exactValue(text: string): unknown {
  try {
    // First for what could poison an object; it rounds, so that its value is not taken.
    secureJson.parse(text, null, { protoAction: 'error', constructorAction: 'error' });
    return parse(text, null, { parseNumber, onDuplicateKey: ({ newValue }) => newValue });
  } catch (error) {
    throw badRequest(`This is no JSON: ${(error as Error).message.slice(0, 200)}`);
  }
}

/** Integers that a number cannot hold exactly stay exact. */
function parseNumber(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) || !INTEGER.test(text) ? value : BigInt(text);
}

/** A float may be written as an integer of many digits. */
function fitting(type: string, value: unknown): unknown {
  if (!/float(32|64)$/.test(type)) return value;
  if (Array.isArray(value)) return value.map((item) => (typeof item === 'bigint' ? Number(item) : item as unknown));
  return typeof value === 'bigint' ? Number(value) : value;
}
