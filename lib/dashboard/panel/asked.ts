import type { Fields } from '../http/fields.js';
import { badRequest } from '../http/refusal.js';

/** What destroys is named twice: once by the page, once by the person who typed it. */
export function confirmed(fields: Fields, name: string): string {
  const value = fields.required(name);
  if (fields.text('confirm') !== value) throw badRequest(`Type "${value}" to confirm this.`);
  return value;
}

/** What somebody was told it would concern: later ones are not meant. */
export function counted(fields: Fields): number {
  const count = fields.number('expected', 1, Number.MAX_SAFE_INTEGER);
  if (count === undefined) throw badRequest('"expected" is missing: how many were counted before.');
  return count;
}

/** Who asked, and why if they say so. */
export function who(fields: Fields, by: string): { readonly by: string; readonly reason?: string } {
  const reason = fields.text('reason', 1_000);
  return { by, ...(reason === undefined ? {} : { reason }) };
}
