import type { StateBackend } from '../state/state-backend.js';
import { isGone } from './workflow-store.js';

/** So many are in one set; then the next one is begun. */
export const PAGE_ENTRIES = 200;
const FOR_EVER = { expiresInMs: Infinity };

/** What is known of a workflow from its publishing on. */
export interface IndexEntry {
  readonly uuid: string;
  readonly name: string;
  readonly startedAt: number;
  /** At its top; absent while nobody knows. */
  readonly steps?: number;
}

/**
 * Which workflows there are, in the order in which they were published: sets of some 200, by rising numbers, and the
 * number of the one that is written now. Written once for each workflow, since how it goes on is in its own state. A set
 * expires as a whole, after its last workflow.
 */
export class WorkflowIndex {
  private readonly headKey: string;
  private page: number | undefined;

  constructor(private readonly open: () => Promise<StateBackend>, exchange: string, private readonly expiresInMs: number) {
    this.headKey = `workflow-list:${exchange}`;
  }

  /** @throws what the backend throws; what comes later is written all the same */
  async add({ uuid, ...entry }: IndexEntry): Promise<void> {
    const backend = await this.open();
    const page = this.page ??= await this.readHead(backend);
    try {
      const { count } = await backend.addMember(this.pageKey(page), uuid, Buffer.from(JSON.stringify(entry)), { expiresInMs: this.expiresInMs });
      if (count >= PAGE_ENTRIES) await this.turn(backend, page);
    } catch (error) {
      // A set that was dropped in part takes nothing more.
      if (isGone(error)) await this.turn(backend, page);
      throw error;
    }
  }

  async head(): Promise<number> {
    return this.readHead(await this.open());
  }

  /** Of one set, in their order; none where it has expired, or was dropped. @throws what else the backend throws */
  async entries(page: number): Promise<IndexEntry[]> {
    const backend = await this.open();
    const found: IndexEntry[] = [];
    try {
      for await (const members of backend.members(this.pageKey(page))) for (const { member, value } of members) found.push(...entryOf(member, value));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
    return found;
  }

  /** To the next set, whoever begins it. */
  private async turn(backend: StateBackend, from: number): Promise<void> {
    const bytes = await backend.get(this.headKey);
    const present = numberIn(bytes);
    this.page = undefined;
    if (present > from) return;
    const next = Buffer.from(String(from + 1));
    if (bytes === undefined) await backend.setIfAbsent(this.headKey, next, FOR_EVER);
    else await backend.replaceIfEqual(this.headKey, bytes, next, FOR_EVER);
  }

  private async readHead(backend: StateBackend): Promise<number> {
    return numberIn(await backend.get(this.headKey));
  }

  private pageKey(page: number): string {
    return `${this.headKey}:${page}`;
  }
}

function numberIn(bytes: Buffer | undefined): number {
  const number = Number(bytes?.toString() ?? 0);
  return Number.isSafeInteger(number) && number > 0 ? number : 0;
}

/** What is no entry of ours is passed over. */
function entryOf(uuid: string, value: Buffer): IndexEntry[] {
  try {
    const { name, startedAt, steps } = JSON.parse(value.toString()) as Partial<IndexEntry>;
    return typeof name === 'string' && typeof startedAt === 'number' ? [{ uuid, name, startedAt, ...(typeof steps === 'number' ? { steps } : {}) }] : [];
  } catch {
    return [];
  }
}
