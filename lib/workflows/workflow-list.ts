import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { matchesName } from '../task/name-pattern.js';
import { anything, text } from '../task/option-kinds.js';
import { checkOptions } from '../task/options.js';
import { childPath, ROOT } from './paths.js';
import { childrenOf } from './plan-node.js';
import { errorText } from './step-outcome.js';
import { sizeOf } from './workflow-title.js';
import type { IndexEntry, WorkflowIndex } from './workflow-index.js';
import type { WorkflowFilter, WorkflowInfo, WorkflowPage } from './workflow-info.js';
import type { WorkflowState, WorkflowStatus } from './workflow-state.js';
import type { WorkflowStore } from './workflow-store.js';

const STATUSES: readonly WorkflowStatus[] = ['running', 'succeeded', 'failed', 'cancelled'];
const DEFAULT_LIMIT = 50;
const MOST_LISTED = 200;
/** Sets that are looked through for one answer: some 5,000 workflows. */
const MOST_PAGES = 25;
const AT_A_TIME = 10;
const MOST_COUNTED = 1_000;

type Checked = Omit<WorkflowFilter, 'status' | 'limit' | 'after'> & { readonly statuses: readonly WorkflowStatus[]; readonly limit: number; readonly from: Place | undefined };

/** In the index: what stands there or behind it was told. */
interface Place { readonly page: number; readonly index: number }

/** Lists the workflows of an exchange from their index and their states. */
export class WorkflowList {
  constructor(private readonly index: WorkflowIndex, private readonly store: WorkflowStore) {}

  /** @throws ConfigurationError for what is no filter, and what the backend throws */
  async read(list?: WorkflowFilter): Promise<WorkflowPage> {
    const filter = check(list);
    const head = await this.index.head();
    const from = filter.from ?? { page: head, index: Infinity };
    const workflows: WorkflowInfo[] = [];
    let page = from.page;
    for (let looked = 0; page >= 0 && looked < MOST_PAGES; page--, looked++) {
      const entries = await this.index.entries(page);
      // One that has just been begun may be empty; all before an expired one have expired too.
      if (entries.length === 0 && page < head) return { workflows };
      const index = await this.collect(entries.slice(0, page === from.page ? from.index : Infinity), filter, workflows);
      if (index !== undefined) return { workflows, next: encodePlace({ page, index }) };
    }
    return page < 0 ? { workflows } : { workflows, next: encodePlace({ page, index: Number.MAX_SAFE_INTEGER }) };
  }

  /** From the last to the first. Where the list is full: the place of the last one in it. */
  private async collect(entries: readonly IndexEntry[], filter: Checked, found: WorkflowInfo[]): Promise<number | undefined> {
    for (let end = entries.length; end > 0; end -= AT_A_TIME) {
      const start = Math.max(0, end - AT_A_TIME);
      const infos = await Promise.all(entries.slice(start, end).map(async (entry) => (fits(entry, filter) ? this.info(entry, filter.statuses) : undefined)));
      for (let at = infos.length - 1; at >= 0; at--) {
        const info = infos[at];
        if (info === undefined) continue;
        found.push(info);
        if (found.length >= filter.limit) return start + at;
      }
    }
    return undefined;
  }

  /** `undefined` for one that does not fit, or of which nothing is known any more. */
  private async info({ uuid, name, startedAt, steps }: IndexEntry, statuses: readonly WorkflowStatus[]): Promise<WorkflowInfo | undefined> {
    const state = await this.store.state(uuid);
    if (state === undefined || !statuses.includes(state.status)) return undefined;
    const { status, endedAt, retries, reason, outcome } = state;
    const ended = steps === undefined ? undefined : await this.ended(uuid, state, steps);
    return {
      uuid, name, status, startedAt, ...(endedAt === undefined ? {} : { endedAt }), retries, ...(reason === undefined ? {} : { reason }),
      ...(status === 'failed' && outcome?.kind === 'error' ? { error: errorText(outcome.error) } : {}), ...(steps === undefined || ended === undefined ? {} : { steps: { ended, total: steps } }),
    };
  }

  private async ended(uuid: string, { status }: WorkflowState, steps: number): Promise<number | undefined> {
    if (status === 'succeeded') return steps;
    if (steps > MOST_COUNTED) return undefined;
    const plan = await this.store.node(uuid, ROOT);
    switch (plan?.kind) {
      case undefined: case 'task': return 0;
      case 'group': return this.members(uuid, ROOT);
      case 'chord': return await this.done(uuid, 0) ? sizeOf(plan.group) : this.members(uuid, childPath(ROOT, 0));
      case 'chain': {
        let ended = 0;
        while (ended < childrenOf(plan).length && await this.done(uuid, ended)) ended++;
        return ended;
      }
    }
  }

  private async done(uuid: string, index: number): Promise<boolean> {
    return (await this.store.step(uuid, childPath(ROOT, index)))?.kind === 'value';
  }

  /** A part that was dropped is not counted. */
  private async members(uuid: string, path: string): Promise<number> {
    let count = 0;
    for await (const member of this.store.members(uuid, path)) count += member.index >= 0 ? 1 : 0;
    return count;
  }
}

function fits({ name, startedAt }: IndexEntry, { name: wanted, since = -Infinity, until = Infinity }: Checked): boolean {
  return startedAt >= since && startedAt < until && (wanted === undefined || matchesName(wanted, name));
}

function check(list: WorkflowFilter | undefined): Checked {
  const { status, limit = DEFAULT_LIMIT, after, ...rest } = checkOptions<WorkflowFilter>(list, {
    status: anything, name: text(), since: instant, until: instant, limit: anything, after: text(),
  }, { of: 'inspect.workflows', example: "{ status: 'failed' }" });
  const statuses = [status ?? STATUSES].flat();
  const wrong = statuses.find((one) => !STATUSES.includes(one));
  if (wrong !== undefined) throw new ConfigurationError(`status of inspect.workflows must be one of ${STATUSES.join(', ')}; found ${display(wrong)}.`, { option: 'status' });
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > MOST_LISTED) throw new ConfigurationError(`limit of inspect.workflows must be a whole number from 1 to ${MOST_LISTED}; found ${display(limit)}.`, { option: 'limit' });
  return { ...rest, statuses, limit, from: after === undefined ? undefined : decodePlace(after) };
}

const instant = { expected: 'milliseconds since 1970', fits: (value: unknown) => typeof value === 'number' && Number.isFinite(value) };

function encodePlace({ page, index }: Place): string {
  return `${page}.${index}`;
}

function decodePlace(after: string): Place {
  const [page = NaN, index = NaN] = after.split('.').map(Number);
  if (Number.isSafeInteger(page) && page >= 0 && Number.isSafeInteger(index) && index >= 0) return { page, index };
  throw new ConfigurationError(`after is ${display(after)}, which is no place in a list of workflows. Pass what an earlier page had in "next".`, { after });
}
