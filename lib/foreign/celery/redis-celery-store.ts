import { chordKeys, readCeleryRecord, readChordPart, taskMetaKey, writeChordPart, type ChordPart } from '../../formats/celery/celery-result.js';
import { redisScript } from '../../redis/redis-script.js';
import type { RedisStore } from '../../state/redis/redis-store.js';
import type { StopWatching } from '../../state/state-backend.js';
import type { SupervisedResultBackend } from '../../state/supervised/supervised-result-backend.js';
import type { CeleryStore, ChordEnd } from './celery-store.js';

/** Whoever has claimed the callback and does not send it within that has died; a worker of ours finds its own claim again. */
const CLAIM_SECONDS = 60;
/** How long a member that comes once more is known to be too late. */
const DONE_SECONDS = 300;

/**
 * KEYS: parts, added, size, counted, saved, claim. ARGV: id, part, index, seconds to keep them, token of the claim, its seconds.
 * Returns what it is: `done`, `pending`, `others`, or `mine` with whether there is a saved shape, and the parts in order. A member
 * is counted once, however often it ends.
 */
const COMPLETE = redisScript(`
local claim = redis.call('GET', KEYS[6])
if claim == 'done' then return {'others'} end
local member = ARGV[1] .. ':' .. ARGV[3]
if redis.call('SADD', KEYS[4], member) == 1 then redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2]) end
for index = 1, 4 do redis.call('EXPIRE', KEYS[index], ARGV[4]) end
local size = redis.call('GET', KEYS[3])
if not size then return {'pending'} end
if redis.call('ZCARD', KEYS[1]) ~= tonumber(size) + tonumber(redis.call('GET', KEYS[2]) or 0) then return {'pending'} end
if claim and claim ~= ARGV[5] then return {'others'} end
redis.call('SET', KEYS[6], ARGV[5], 'EX', ARGV[6])
local answer = {'mine', redis.call('EXISTS', KEYS[5])}
for _, part in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do answer[#answer + 1] = part end
return answer`);

/** KEYS as above. ARGV: token, seconds to know that it is done. */
const SENT = redisScript(`
if redis.call('GET', KEYS[6]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.call('SET', KEYS[6], 'done', 'EX', ARGV[2])
return 1`);

/** KEYS: size, claim. ARGV: size, seconds. */
const BEGIN = redisScript(`
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1`);

export interface RedisCeleryOptions {
  readonly expiresInMs: number;
}

/** Celery's Redis backend: a record under the id of its task, published under the same name; chords are counted beside it. */
export class RedisCeleryStore implements CeleryStore {
  private opening: Promise<unknown> | undefined;

  constructor(private readonly backend: SupervisedResultBackend, private readonly store: RedisStore, private readonly options: RedisCeleryOptions) {}

  async expect(): Promise<void> {
    await this.open();
  }

  async write(id: string, record: Buffer, isSuccess: boolean): Promise<void> {
    await this.open();
    const key = taskMetaKey(id);
    if (!isSuccess && isKeptSuccess(await this.backend.get(key))) return;
    await this.backend.set(key, record, this.options);
  }

  async read(id: string): Promise<Buffer | undefined> {
    await this.open();
    return this.backend.get(taskMetaKey(id));
  }

  watch(id: string, onRecord: (record: Buffer) => void, onError: (error: Error) => void): StopWatching {
    let stop: StopWatching | undefined;
    let stopped = false;
    this.open().then(() => {
      if (!stopped) stop = this.backend.watch(taskMetaKey(id), onRecord);
    }).catch((error: unknown) => {
      if (!stopped) onError(error as Error);
    });
    return () => {
      stopped = true;
      stop?.();
    };
  }

  async initChord(group: string, size: number): Promise<void> {
    await this.open();
    const { size: sizeKey, claim } = chordKeys(group);
    await this.run(BEGIN, [sizeKey, claim], [String(size), this.seconds]);
  }

  async complete(group: string, index: number | undefined, part: ChordPart): Promise<ChordEnd> {
    await this.open();
    const token = `nestjs-dispatcher ${part.id}`;
    const keys = keysOf(group);
    const [kind, saved, ...parts] = await this.run<(Buffer | number)[]>(COMPLETE, keys, [part.id, writeChordPart(part), index === undefined ? '+inf' : String(index), this.seconds, token, String(CLAIM_SECONDS)]);
    const name = String(kind);
    if (name !== 'mine') return { kind: name === 'pending' ? 'pending' : 'others' };
    const sent = async (): Promise<void> => { await this.run(SENT, keys, [token, String(DONE_SECONDS)]); };
    return { kind: 'mine', isShaped: saved === 1, parts: parts.map((bytes) => readChordPart(bytes as Buffer)), sent };
  }

  close(deadlineMs: number): Promise<void> {
    return this.backend.close(deadlineMs);
  }

  private get seconds(): string {
    return String(Math.ceil(this.options.expiresInMs / 1000));
  }

  private run<T>(script: Parameters<RedisStore['run']>[0], keys: readonly string[], args: readonly (string | Buffer)[]): Promise<T> {
    return this.backend.perform('chord', args.reduce((bytes, arg) => bytes + arg.length, 0), () => this.store.run<T>(script, keys, args));
  }

  private open(): Promise<unknown> {
    return (this.opening ??= this.backend.connect().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    }));
  }
}

function keysOf(group: string): string[] {
  const { parts, added, size, counted, saved, claim } = chordKeys(group);
  return [parts, added, size, counted, saved, claim];
}

function isKeptSuccess(record: Buffer | undefined): boolean {
  try {
    return record !== undefined && readCeleryRecord(record).status === 'SUCCESS';
  } catch {
    return false;
  }
}
