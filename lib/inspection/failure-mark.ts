import { createHash } from 'node:crypto';
import { errorStory, placesOf } from '../task/error-story.js';
import { detached } from '../task/error-text.js';

const MOST_STORY = 2_000;
const MOST_PLACES = 8_000;
const MOST_MESSAGE = 300;
const FRAME = /^\s*at (?:(.+?) \()?(.+?):(\d+):\d+\)?$/;

/** What is known of a failure wherever it is kept: by this, and the name of its task, it is of a kind. */
export interface FailureMark {
  /** The error in one text, with what was behind it, as dead letters have it. */
  readonly story: string;
  /** The topmost line of its stack that is of the application's own code. */
  readonly frame?: FrameOfCode;
}

export interface FrameOfCode {
  readonly function?: string;
  readonly file: string;
  readonly line: string;
}

export function markOf(error: unknown): FailureMark {
  const frame = ownFrame(placesOf(error, MOST_PLACES));
  return { story: detached(errorStory(error, MOST_STORY)), ...(frame === undefined ? {} : { frame }) };
}

/** Of a dead letter, which has the same texts in its headers. `undefined`: nobody has said why it is one. */
export function markOfLetter({ error, stack }: { readonly error?: string; readonly stack?: string }): FailureMark | undefined {
  if (error === undefined) return undefined;
  const frame = ownFrame(stack);
  return { story: error, ...(frame === undefined ? {} : { frame }) };
}

/**
 * The same for all failures of a kind. Neither lines, which move with every edit above them, nor folders count, which differ
 * from machine to machine.
 */
export function failureId(name: string, { story, frame }: FailureMark): string {
  const place = frame === undefined ? [] : [frame.function ?? '', frame.file.split(/[\\/]/).at(-1)];
  return createHash('sha1').update(JSON.stringify([name, normalised(story), ...place])).digest('hex').slice(0, 16);
}

/** What errors of one kind have in common: identities, numbers and quoted texts differ. */
export function normalised(message: string): string {
  return message.slice(0, 2_000)
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '<uuid>')
    .replace(/"[^"\n]*"|'[^'\n]*'|`[^`\n]*`/g, '<text>')
    .replace(/\b0x[0-9a-f]+\b|\b[0-9a-f]{16,}\b/gi, '<number>')
    .replace(/-?\d+(?:[.,:]\d+)*/g, '<number>')
    .replace(/\s+/g, ' ').trim().slice(0, MOST_MESSAGE);
}

/** As texts: a part of one keeps the whole stack in memory. */
export function ownFrame(stack: string | undefined): FrameOfCode | undefined {
  for (const line of stack?.split('\n') ?? []) {
    const match = FRAME.exec(line);
    const file = match?.[2]?.replace(/^file:\/\//, '');
    if (match === null || file === undefined || /^node:|[\\/]node_modules[\\/]|^<|^native/.test(file)) continue;
    const name = match[1]?.replace(/^async /, '');
    return { ...(name === undefined ? {} : { function: detached(name) }), file: detached(file), line: detached(match[3] as string) };
  }
  return undefined;
}

/** `function (file:line)`. @param folder of the application: paths are shown from there */
export function frameText({ function: name, file, line }: FrameOfCode, folder: string): string {
  const shown = file.startsWith(folder) ? file.slice(folder.length).replace(/^[\\/]/, '') : file;
  return name === undefined ? `${shown}:${line}` : `${name} (${shown}:${line})`;
}
