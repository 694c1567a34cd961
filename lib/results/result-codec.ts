import { InvalidBodyError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { encodeValue, reviveValue } from './result-value.js';
import { isFinal, MAX_TIMELINE, type TaskOutcome, type TaskResult, type TaskState, type TimelineEntry } from './task-result.js';

/** The version of the layout; higher ones are refused. */
const VERSION = 1;

/** Default of `maxResultBytes`. */
export const DEFAULT_MAX_RESULT_BYTES = 10 * 1024 * 1024;
/** What a handler says with its progress is a note, not a result. */
const MAX_PROGRESS_DATA_BYTES = 64 * 1024;

export interface ResultCodecOptions {
  /** The largest encoded value, in bytes. A larger one is left out, with the reason in its place. Default: 10 MiB. */
  maxResultBytes?: number;
}

/**
 * The record as bytes: JSON, one object, `"v": 1`. Never throws: a value that cannot be kept is
 * replaced by the outcome `unstorable`, which says why.
 */
export function encodeTaskResult(result: TaskResult, options: ResultCodecOptions = {}): Buffer {
  const { uuid, name, state, attempt, dropped } = result;
  const timeline = `[${result.timeline.map(encodeEntry).join(',')}]`;
  const outcome = result.outcome === undefined ? '' : `,"outcome":${encodeOutcome(result.outcome, options.maxResultBytes ?? DEFAULT_MAX_RESULT_BYTES)}`;
  return Buffer.from(`{"v":${VERSION},"uuid":${JSON.stringify(uuid)},"name":${JSON.stringify(name)},"state":"${state}","attempt":${attempt},"dropped":${dropped},"timeline":${timeline}${outcome}}`);
}

/** @throws InvalidBodyError for bytes that are no record, or one of a later version */
export function decodeTaskResult(bytes: Buffer): TaskResult {
  const record = parse(bytes);
  if (record.v !== VERSION) throw malformed(`its version is ${display(record.v)}, and this release knows ${VERSION}`);
  const { uuid, name, state, attempt, timeline, dropped } = record;
  if (typeof uuid !== 'string' || typeof name !== 'string' || !isState(state)) throw malformed('it lacks a uuid, a name or a state');
  if (!Array.isArray(timeline) || timeline.length > MAX_TIMELINE || typeof attempt !== 'number' || typeof dropped !== 'number') throw malformed('it lacks a timeline or an attempt');
  return {
    uuid, name, state, attempt, dropped,
    timeline: timeline.map(decodeEntry),
    ...(record.outcome === undefined ? {} : { outcome: decodeOutcome(record.outcome) }),
  };
}

function encodeOutcome(outcome: TaskOutcome, maxBytes: number): string {
  if (outcome.kind !== 'value') return JSON.stringify(outcome);
  const encoded = encodeValue(outcome.value);
  if ('problem' in encoded) return unstorable(`The result cannot be kept: ${encoded.problem}.`);
  const bytes = Buffer.byteLength(encoded.text);
  if (bytes <= maxBytes) return `{"kind":"value","value":${encoded.text}}`;
  return unstorable(`The result has ${bytes} bytes, more than maxResultBytes (${maxBytes}). Store it elsewhere and return its key, or raise maxResultBytes.`);
}

function unstorable(problem: string): string {
  return JSON.stringify({ kind: 'unstorable', problem } satisfies TaskOutcome);
}

function encodeEntry({ data, ...entry }: TimelineEntry): string {
  const text = JSON.stringify(entry);
  if (data === undefined) return text;
  const encoded = encodeValue(data);
  // Progress is a courtesy: what cannot be kept of it is left out.
  if ('problem' in encoded || Buffer.byteLength(encoded.text) > MAX_PROGRESS_DATA_BYTES) return text;
  return `${text.slice(0, -1)},"data":${encoded.text}}`;
}

function decodeEntry(entry: unknown): TimelineEntry {
  if (typeof entry !== 'object' || entry === null || !isState((entry as TimelineEntry).state)) throw malformed('an entry of its timeline is none');
  const { data, ...rest } = entry as TimelineEntry;
  return data === undefined ? rest : { ...rest, data: revive(data) };
}

function decodeOutcome(outcome: unknown): TaskOutcome {
  const found = outcome as TaskOutcome;
  switch ((outcome as { kind?: unknown } | null)?.kind) {
    case 'value': return { kind: 'value', value: revive((found as { value: unknown }).value) };
    case 'unstorable': case 'error': return found;
    default: throw malformed('its outcome is of no known kind');
  }
}

function revive(value: unknown): unknown {
  try {
    return reviveValue(value);
  } catch (error) {
    throw malformed('a value in it is none', error);
  }
}

const STATES: ReadonlySet<unknown> = new Set<TaskState>(['published', 'received', 'started', 'progress', 'retrying', 'suspended']);

function isState(state: unknown): state is TaskState {
  return STATES.has(state) || isFinal(state as TaskState);
}

function parse(bytes: Buffer): Record<string, unknown> {
  let content: unknown;
  try {
    content = JSON.parse(bytes.toString());
  } catch (error) {
    throw malformed('it is not JSON', error);
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) throw malformed('it is not an object');
  return content as Record<string, unknown>;
}

function malformed(found: string, cause?: unknown): InvalidBodyError {
  return new InvalidBodyError(`The stored result cannot be read: ${found}. Was its key written by another program, or by a newer version?`, {}, cause);
}
