import type { Operation } from './ledger-operation.js';

const MOST_OPERATIONS = 200;
const MOST_BYTES = 256 * 1024;
/** A key, the names of the fields, and what is around them, roughly. */
const OVERHEAD_BYTES = 200;

/**
 * What one turn of the event loop asks of the ledger, to be sent as one message.
 *
 * No two of them may change the same thing. Of a message that an earlier keeper had in hand, those changes are done anew that no
 * record tells of; the record of the first would have gone with the second's, and the first would be done after the second.
 */
export class LedgerOutbox {
  private operations: Operation[] = [];
  private readonly changed = new Set<string>();
  private bytes = 0;
  /** The number of the first, and by counting on from it of the others. */
  private first = 0;

  get size(): number { return this.operations.length; }

  /** False: what is here must be sent before it. */
  takes(operation: Operation): boolean {
    if (this.operations.length === 0) return true;
    if (this.operations.length >= MOST_OPERATIONS || this.bytes + bytesOf(operation) > MOST_BYTES) return false;
    return !changesOf(operation).some((change) => this.changed.has(change));
  }

  add(operation: Operation, number: number): void {
    if (this.operations.length === 0) this.first = number;
    this.operations.push(operation);
    this.bytes += bytesOf(operation);
    for (const change of madeBy(operation)) this.changed.add(change);
  }

  takeAll(): { readonly first: number; readonly operations: readonly Operation[] } {
    const { first, operations } = this;
    this.operations = [];
    this.changed.clear();
    this.bytes = 0;
    return { first, operations };
  }
}

const keyOf = (key: string): string => `key ${key}`;
/** Some of a set. */
const membersOf = (key: string): string => `members ${key}`;

/** What it must not share with one before it: several may add to one set, but nobody beside them may remove it whole. */
function changesOf(operation: Operation): readonly string[] {
  switch (operation.kind) {
    case 'addMember': return [`member ${operation.key.length} ${operation.key} ${operation.member}`, keyOf(operation.key)];
    case 'set': case 'setIfAbsent': case 'replaceIfEqual': case 'deleteIfEqual': case 'delete': return [keyOf(operation.key), membersOf(operation.key)];
    default: return [];
  }
}

/** Of which nobody after it may have one among {@link changesOf}. */
function madeBy(operation: Operation): readonly string[] {
  const [first] = changesOf(operation);
  if (first === undefined) return [];
  return operation.kind === 'addMember' ? [first, membersOf(operation.key)] : [first];
}

function bytesOf(operation: Operation): number {
  const value = 'value' in operation ? operation.value.length : 0;
  const expected = 'expected' in operation ? operation.expected.length : 0;
  const keys = 'keys' in operation ? operation.keys.reduce((sum, key) => sum + key.length, 0) : 0;
  return OVERHEAD_BYTES + value + expected + keys;
}
