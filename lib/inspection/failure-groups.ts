import { createHash } from 'node:crypto';
import type { EndedTaskInfo, FailureGroup } from './model.js';

const MOST_MESSAGE = 300;
const MOST_QUEUES = 20;
const FRAME = /^\s*at (?:(.+?) \()?(.+?):(\d+):\d+\)?$/;

/** What errors of one kind have in common: identities, numbers and quoted texts differ. */
export function normalised(message: string): string {
  return message.slice(0, 2_000)
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '<uuid>')
    .replace(/"[^"\n]*"|'[^'\n]*'|`[^`\n]*`/g, '<text>')
    .replace(/\b0x[0-9a-f]+\b|\b[0-9a-f]{16,}\b/gi, '<number>')
    .replace(/-?\d+(?:[.,:]\d+)*/g, '<number>')
    .replace(/\s+/g, ' ').trim().slice(0, MOST_MESSAGE);
}

/** The topmost line of a stack that is of the application's own code, as `function (file:line)`. */
export function ownFrame(stack: string | undefined, folder: string): string | undefined {
  for (const line of stack?.split('\n') ?? []) {
    const match = FRAME.exec(line);
    const file = match?.[2]?.replace(/^file:\/\//, '');
    if (match === null || file === undefined || /^node:|[\\/]node_modules[\\/]|^<|^native/.test(file)) continue;
    const shown = file.startsWith(folder) ? file.slice(folder.length).replace(/^[\\/]/, '') : file;
    return match[1] === undefined ? `${shown}:${match[3]}` : `${match[1].replace(/^async /, '')} (${shown}:${match[3]})`;
  }
  return undefined;
}

/** @param folder of the application: paths are shown from there @param failures the newest first */
export function failureGroups(failures: Iterable<EndedTaskInfo>, folder: string): FailureGroup[] {
  const groups = new Map<string, FailureGroup>();
  for (const failure of failures) {
    if (failure.error === undefined) continue;
    const group = groupOf(failure, folder);
    const known = groups.get(group.id);
    groups.set(group.id, known === undefined ? group : joined(known, group));
  }
  return [...groups.values()];
}

/** Of several processes; the latest first. */
export function mergedGroups(groups: Iterable<FailureGroup>): FailureGroup[] {
  const merged = new Map<string, FailureGroup>();
  for (const group of groups) {
    const known = merged.get(group.id);
    merged.set(group.id, known === undefined ? group : joined(known, group));
  }
  return [...merged.values()].sort((a, b) => b.lastAt - a.lastAt);
}

function groupOf(example: EndedTaskInfo, folder: string): FailureGroup {
  const { name, message, stack } = example.error as NonNullable<EndedTaskInfo['error']>;
  const frame = ownFrame(stack, folder);
  const error = { name, message: normalised(message), ...(frame === undefined ? {} : { frame }) };
  // A line moves with every edit above it, and the failure is the same.
  const id = createHash('sha1').update(JSON.stringify([example.name, error.name, error.message, frame?.replace(/:\d+\)?$/, '')])).digest('hex').slice(0, 16);
  return { id, name: example.name, error, count: 1, dead: example.state === 'failed' ? 1 : 0, firstAt: example.endedAt, lastAt: example.endedAt, queues: [example.queue], example };
}

function joined(a: FailureGroup, b: FailureGroup): FailureGroup {
  return {
    ...(a.lastAt >= b.lastAt ? a : b), count: a.count + b.count, dead: a.dead + b.dead,
    firstAt: Math.min(a.firstAt, b.firstAt), queues: [...new Set([...a.queues, ...b.queues])].slice(0, MOST_QUEUES),
  };
}
