import type { Note } from './protocol.js';

/** Written at once (pipes are synchronous where these tests run), so that a SIGKILL loses nothing that was said. */
export function say(note: Note): void {
  process.stdout.write(`${JSON.stringify(note)}\n`);
}
