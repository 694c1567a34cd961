import { MalformedMessageError, pack, unpack, type Fields } from './ledger-frame.js';

/** What a process asks the keeper to do. Times are milliseconds from when the keeper applies it; absent: never. */
export type Operation =
  | { readonly kind: 'get'; readonly keys: readonly string[] }
  | { readonly kind: 'set'; readonly key: string; readonly value: Buffer; readonly expiresInMs?: number | undefined }
  | { readonly kind: 'setIfAbsent'; readonly key: string; readonly value: Buffer; readonly expiresInMs?: number | undefined }
  | { readonly kind: 'replaceIfEqual'; readonly key: string; readonly expected: Buffer; readonly value: Buffer; readonly expiresInMs?: number | undefined }
  | { readonly kind: 'deleteIfEqual'; readonly key: string; readonly value: Buffer }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'addMember'; readonly key: string; readonly member: string; readonly value: Buffer; readonly expiresInMs?: number | undefined }
  | { readonly kind: 'members'; readonly key: string; readonly position: number }
  | WatchOperation;

/** What a process asks about its watches. They are known by the address that replies go to. */
export type WatchOperation =
  | { readonly kind: 'subscribe'; readonly keys: readonly string[] }
  | { readonly kind: 'unsubscribe'; readonly keys: readonly string[] }
  /** I am still here, and watch so many keys. */
  | { readonly kind: 'renew'; readonly count: number };

export type StateOperation = Exclude<Operation, WatchOperation>;

export function encodeOperation(operation: Operation): Buffer {
  switch (operation.kind) {
    case 'set':
    case 'setIfAbsent':
    case 'addMember':
    case 'deleteIfEqual': {
      const { value, ...header } = operation;
      return pack(header, [value]);
    }
    case 'replaceIfEqual': {
      const { value, expected, ...header } = operation;
      return pack(header, [value, expected]);
    }
    default:
      return pack(operation);
  }
}

/** @throws MalformedMessageError */
export function decodeOperation(body: Buffer): Operation {
  const fields = unpack(body);
  const kind = fields.text('kind');
  const read = Object.hasOwn(READERS, kind) ? READERS[kind as Operation['kind']] : undefined;
  if (read === undefined) throw new MalformedMessageError(`"${kind.slice(0, 40)}" is no operation`);
  return read(fields);
}

const write = (fields: Fields): { key: string; value: Buffer; expiresInMs: number | undefined } =>
  ({ key: fields.text('key'), value: fields.value(0), expiresInMs: fields.time('expiresInMs') });

const READERS: { readonly [K in Operation['kind']]: (fields: Fields) => Operation } = {
  get: (fields) => ({ kind: 'get', keys: fields.texts('keys') }),
  set: (fields) => ({ kind: 'set', ...write(fields) }),
  setIfAbsent: (fields) => ({ kind: 'setIfAbsent', ...write(fields) }),
  replaceIfEqual: (fields) => ({ kind: 'replaceIfEqual', ...write(fields), expected: fields.value(1) }),
  deleteIfEqual: (fields) => ({ kind: 'deleteIfEqual', key: fields.text('key'), value: fields.value(0) }),
  delete: (fields) => ({ kind: 'delete', key: fields.text('key') }),
  addMember: (fields) => ({ kind: 'addMember', ...write(fields), member: fields.text('member') }),
  members: (fields) => ({ kind: 'members', key: fields.text('key'), position: fields.count('position') }),
  subscribe: (fields) => ({ kind: 'subscribe', keys: fields.texts('keys') }),
  unsubscribe: (fields) => ({ kind: 'unsubscribe', keys: fields.texts('keys') }),
  renew: (fields) => ({ kind: 'renew', count: fields.count('count') }),
};
