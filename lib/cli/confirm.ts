import { createInterface } from 'node:readline/promises';
import { RefusedError } from './failures.js';
import { printable } from './output/text.js';
import type { VerbContext } from './verb.js';

/**
 * Has what cannot be undone confirmed: by `--yes`, or by typing a word on a terminal.
 *
 * @param what is about to be done: `discard 12 dead letters of the queue "orders" for good`
 * @throws RefusedError where it is not
 */
export async function confirm({ terminal, signal }: VerbContext, yes: boolean, what: string, word: string): Promise<void> {
  if (yes) return;
  const text = printable(what);
  if (terminal.stdin.isTTY !== true || terminal.stderr.isTTY !== true) {
    throw new RefusedError(`This would ${text}, which cannot be undone, and there is no terminal to ask at. Add --yes to do it, or --dry-run to count only.`);
  }
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr });
  // In raw mode the terminal gives Ctrl-C to whoever reads it.
  lines.on('SIGINT', () => process.emit('SIGINT', 'SIGINT'));
  try {
    const answer = await lines.question(`This will ${text}.\nType "${printable(word)}" to go on: `, { signal });
    if (answer.trim() !== word) throw new RefusedError('Not confirmed; nothing was done.');
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    lines.close();
  }
}
