import { uniqueMarkOf } from '../task/unique.js';
import type { ObservedRun } from '../worker/run-observer.js';
import type { LockPart } from './asking/messages.js';
import { kindOfKey } from './locks-report.js';
import type { ClaimBook } from './book/claim-book.js';

type Told = Pick<LockPart, 'process' | 'host' | 'pid'>;
type Held = Omit<LockPart, keyof Told | 'uuid' | 'running' | 'since' | 'worker'>;

/** What one run holds. */
export function locksOfRun(run: ObservedRun, worker: string, since: number, told: Told): LockPart[] {
  const about = { uuid: run.uuid, running: true, since, worker, ...told };
  return [...uniqueOf(run), ...limitsOf(run)].map((held) => ({ ...held, ...about }));
}

/** What was taken by publishing here; some of it is free again. */
export function locksOfClaims(claims: ClaimBook, told: Told): LockPart[] {
  return claims.newestFirst().map(([key, { name, uuid, at }]) => ({ kind: kindOfKey(key), name, key, most: 1, uuid, running: false, since: at, ...told }));
}

/** One that lasts until the start is free once it has started. */
function uniqueOf({ name, headers }: ObservedRun): Held[] {
  const mark = uniqueMarkOf(headers);
  return mark === undefined || mark.scope === 'untilStarted' ? [] : [{ kind: 'unique', name, key: mark.key, most: 1 }];
}

function limitsOf({ name, handler, task }: ObservedRun): Held[] {
  const limits = handler?.limits;
  if (limits === undefined) return [];
  const { process, global, perKey } = limits.options;
  const key = perKey === undefined ? undefined : keyOf(() => limits.keyOf(task.args.map(({ value }) => value)));
  const place = (limit: LockPart['limit'], most: number | undefined, of?: string): Held[] => (
    most === undefined || limit === undefined ? [] : [{ kind: 'limit', name, limit, most, ...(of === undefined ? {} : { key: of }) }]);
  return [
    ...place('process', process), ...place('global', global),
    ...key === undefined ? [] : [...place('perKey.process', perKey?.process, key), ...place('perKey.global', perKey?.global, key)],
  ];
}

/** It is the application's function. */
function keyOf(ask: () => string | undefined): string | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}
