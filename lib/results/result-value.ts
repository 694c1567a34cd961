import { encodeJson, reviveJson, type EncodedValue, type JsonUse } from '../task/json-form.js';

export type { EncodedValue };

const RESULT: JsonUse = { as: 'a result', give: 'return', strict: false };

/**
 * What a handler returned, as JSON text: the form of arguments too, for whoever asks, the caller, the next step of a
 * chain, the dashboard, another language. Beside JSON, `bigint`, `undefined` (as the value itself and in arrays) and the
 * numbers that JSON has no words for come back as they were; a property that is a function or a symbol is left out. The
 * text, or what is wrong with the value; never throws, whatever the value does.
 */
export function encodeValue(value: unknown): EncodedValue {
  return encodeJson(value, RESULT);
}

/** @throws SyntaxError for a text that {@link encodeValue} did not make */
export function decodeValue(text: string): unknown {
  return reviveValue(JSON.parse(text) as unknown);
}

/** The second half of {@link decodeValue}, for a value parsed already; changes it in place. */
export function reviveValue(parsed: unknown): unknown {
  return reviveJson(parsed);
}
