import { types } from 'node:util';

/** Of objects that a walk has seen; a test that meets more has left what it wanted to look at. */
const MOST_OBJECTS = 2_000_000;

/** A part of a secret as it stands, and as it is in base64 wherever it begins (as in the answer to SASL PLAIN), and in a dump of bytes. */
export function formsOf(mark: string): string[] {
  const { length } = Buffer.from(mark);
  // Only the characters that nothing but the mark decides.
  const inBase64 = [0, 1, 2].map((before) => (
    Buffer.from(`${'\0'.repeat(before)}${mark}`).toString('base64').slice(Math.ceil(before * 4 / 3), Math.floor((before + length) * 4 / 3))));
  return [mark, encodeURIComponent(mark), ...inBase64, [...Buffer.from(mark)].map((byte) => byte.toString(16)).join(' ')];
}

type Step = readonly [value: unknown, path: string];

/**
 * The paths to every text and every run of bytes that holds one of `forms`, among all that can be reached from `root`
 * by properties (hidden ones and symbols too), prototypes, entries of collections, and instances of Nest's container.
 * `util.inspect` without limits would show just these, but takes for ever: it shows again what it has shown before.
 */
export function pathsTo(forms: readonly string[], root: unknown): string[] {
  const found: string[] = [];
  const seen = new Set<unknown>();
  const waiting: Step[] = [[root, '']];
  for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
    const [value, path] = step;
    if (holds(value, forms)) found.push(path);
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue;
    if (seen.size > MOST_OBJECTS) throw new Error(`More than ${MOST_OBJECTS} objects can be reached; this one by ${path}`);
    seen.add(value);
    waiting.push(...stepsFrom(value, path));
  }
  return found;
}

function holds(value: unknown, forms: readonly string[]): boolean {
  if (typeof value === 'string') return forms.some((form) => value.includes(form));
  if (!types.isUint8Array(value)) return false;
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('latin1');
  return forms.some((form) => text.includes(form));
}

function stepsFrom(value: object, path: string): Step[] {
  if (ArrayBuffer.isView(value)) return [];
  const steps: Step[] = [];
  for (const key of Reflect.ownKeys(value)) {
    const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
    if (typeof key === 'string') steps.push([key, `${path} key`]);
    // A getter may do anything; what it has is a property of something, or nobody sees it.
    if (descriptor !== undefined && 'value' in descriptor) steps.push([descriptor.value, `${path}.${String(key)}`]);
  }
  if (types.isMap(value)) for (const [key, entry] of value) steps.push([key, `${path} key`], [entry, `${path}[${typeof key === 'string' ? key : typeof key}]`]);
  if (types.isSet(value)) for (const entry of value) steps.push([entry, `${path}{}`]);
  if ('isDependencyTreeStatic' in value) steps.push([instanceOf(value), `${path}.instance`]);
  steps.push([Object.getPrototypeOf(value), `${path}.__proto__`]);
  return steps;
}

/** Nest keeps instances in maps that cannot be walked. */
function instanceOf(wrapper: object): unknown {
  try {
    return (wrapper as { instance?: unknown }).instance;
  } catch {
    return undefined;
  }
}
