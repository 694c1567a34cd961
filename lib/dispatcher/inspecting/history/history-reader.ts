import type { EndedTaskInfo, TaskFilter } from '../../../inspection/model.js';
import { matches } from '../../../inspection/task-filter.js';
import { decodeValue } from '../../../results/result-value.js';
import { RESULTS_GONE, type StateBackend } from '../../../state/state-backend.js';
import { DispatcherError } from '../../../errors.js';
import { hourKey, hourOf } from './history-keys.js';

const AT_A_TIME = 8;

/** Finds ended tasks in the store, hour by hour, the latest first. */
export class HistoryReader {
  constructor(private readonly backend: () => Promise<StateBackend>, private readonly exchange: string, private readonly keepMs: number, private readonly now: () => number) {}

  /** @throws what the backend throws */
  async read(filter: TaskFilter, limit: number): Promise<EndedTaskInfo[]> {
    const backend = await this.backend();
    const now = this.now();
    const last = hourOf(Math.max(filter.since ?? 0, now - this.keepMs));
    let found: EndedTaskInfo[] = [];
    for (let hour = hourOf(Math.min(filter.until ?? now, now)); hour >= last && found.length < limit; hour -= AT_A_TIME) {
      const hours = Array.from({ length: Math.min(AT_A_TIME, hour - last + 1) }, (_, back) => hour - back);
      const lists = await Promise.all(hours.map((one) => this.ofHour(backend, one, filter, limit)));
      found = newest([...found, ...lists.flat()], limit);
    }
    return found;
  }

  private async ofHour(backend: StateBackend, hour: number, filter: TaskFilter, limit: number): Promise<EndedTaskInfo[]> {
    let found: EndedTaskInfo[] = [];
    try {
      for await (const members of backend.members(hourKey(this.exchange, hour))) {
        for (const { value } of members) found.push(...endsIn(value).filter((end) => matches(filter, end)));
        if (found.length > 2 * limit) found = newest(found, limit);
      }
    } catch (error) {
      // A store that forgets has forgotten a part.
      if (!(error instanceof DispatcherError) || error.code !== RESULTS_GONE) throw error;
    }
    return found;
  }
}

function newest(ends: EndedTaskInfo[], limit: number): EndedTaskInfo[] {
  return ends.sort((a, b) => b.endedAt - a.endedAt).slice(0, limit);
}

/** What another version wrote and cannot be read here is passed over. */
function endsIn(value: Buffer): EndedTaskInfo[] {
  return value.toString().split('\n').flatMap((line) => {
    try {
      const end = decodeValue(line) as EndedTaskInfo;
      return typeof end.uuid === 'string' && typeof end.name === 'string' && typeof end.endedAt === 'number' && Array.isArray(end.log) ? [end] : [];
    } catch {
      return [];
    }
  });
}
