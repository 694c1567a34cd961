import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import type { StateBackend } from '../../../lib/state/state-backend.js';
import { PAGE_ENTRIES, WorkflowIndex } from '../../../lib/workflows/workflow-index.js';
import { WorkflowList } from '../../../lib/workflows/workflow-list.js';
import { newState, type WorkflowState } from '../../../lib/workflows/workflow-state.js';
import { WorkflowStore } from '../../../lib/workflows/workflow-store.js';
import { titleOf, topSteps } from '../../../lib/workflows/workflow-title.js';
import { chain, chord, group, task, type Workflow } from '../../../lib/workflows/workflow.js';

const HOUR_MS = 3_600_000;

let backend: StateBackend;
let store: WorkflowStore;
beforeEach(async () => {
  backend = createResultBackend(`embedded:#${randomUUID()}`);
  await backend.connect();
  store = new WorkflowStore(() => Promise.resolve(backend), HOUR_MS);
});
afterEach(() => backend.close(1_000));

function newIndex(exchange = 'e'): WorkflowIndex {
  return new WorkflowIndex(() => Promise.resolve(backend), exchange, HOUR_MS);
}

async function published(index: WorkflowIndex, uuid: string, startedAt: number, change: Partial<WorkflowState> = {}, name = 'add'): Promise<void> {
  await store.createState(uuid, { ...newState(startedAt), ...change });
  await index.add({ uuid, name, startedAt });
}

async function all(list: WorkflowList, filter: Parameters<WorkflowList['read']>[0] = {}): Promise<string[]> {
  const found: string[] = [];
  for (let after: string | undefined, pages = 0; pages < 1_000; pages++) {
    const page = await list.read({ ...filter, ...(after === undefined ? {} : { after }) });
    found.push(...page.workflows.map(({ uuid }) => uuid));
    if (page.next === undefined) return found;
    after = page.next;
  }
  throw new Error('It never ends.');
}

const nodeOf = (workflow: Workflow): Workflow['node'] => workflow.node;

describe('the title of a workflow', () => {
  it.each([
    [chain(task('a', 'secret'), task('b')), 'a → b', 2],
    [group([task('a', 1), task('a', 2), task('a', 3)]), '3 × a', 3],
    [group([task('a'), task('b')]), 'group of 2', 2],
    [chord(group([task('resize'), task('resize')]), task('sum')), '2 × resize → sum', 3],
    [chain(task('a'), group([chain(task('b'), task('c')), chain(task('b'), task('c'))])), 'a → 2 × b → c', 2],
  ])('has the names of its tasks, and nothing of their arguments: %#', (workflow, title, steps) => {
    expect([titleOf(nodeOf(workflow)), topSteps(nodeOf(workflow))]).toEqual([title, steps]);
  });

  it('is cut where it is long', () => {
    const [first, ...rest] = Array.from({ length: 60 }, (_, index) => task(`a-long-name-${index}`));
    expect(titleOf(nodeOf(chain(first as ReturnType<typeof task>, ...rest)))).toHaveLength(120);
  });
});

describe('the list of workflows', () => {
  it('has the latest first over any number of sets, each once, whichever process wrote it', async () => {
    const writers = [newIndex(), newIndex()] as const;
    const count = 2 * PAGE_ENTRIES + 30;
    for (let number = 0; number < count; number++) await published(writers[number % 2] as WorkflowIndex, `w${number}`, number);
    const list = new WorkflowList(newIndex(), store);
    const expected = Array.from({ length: count }, (_, number) => `w${count - 1 - number}`);
    const found = await all(list, { limit: 37 });
    expect(found).toHaveLength(count);
    expect([...found].sort()).toEqual([...expected].sort());
    expect(found.slice(0, 20)).toEqual(expected.slice(0, 20));
    expect(await new WorkflowList(newIndex('other'), store).read()).toEqual({ workflows: [] });
  });

  it('tells how each stands, and leaves out those of which nothing is known any more', async () => {
    const index = newIndex();
    await index.add({ uuid: 'gone', name: 'add', startedAt: 1 });
    await published(index, 'failed', 2, { status: 'failed', endedAt: 5, outcome: { kind: 'error', error: { name: 'RangeError', message: 'no' } } });
    await published(index, 'off', 3, { status: 'cancelled', endedAt: 6, reason: 'by ann' });
    expect(await new WorkflowList(index, store).read()).toEqual({ workflows: [
      { uuid: 'off', name: 'add', status: 'cancelled', startedAt: 3, endedAt: 6, retries: 0, reason: 'by ann' },
      { uuid: 'failed', name: 'add', status: 'failed', startedAt: 2, endedAt: 5, retries: 0, error: 'RangeError: no' },
    ] });
  });

  it('has those that fit: by status, name and time', async () => {
    const index = newIndex();
    for (let number = 0; number < 10; number++) await published(index, `w${number}`, number, number % 2 === 0 ? {} : { status: 'succeeded', endedAt: 99 }, number < 5 ? 'mail.send' : 'add');
    const list = new WorkflowList(index, store);
    expect(await all(list, { status: 'running', name: 'mail.*' })).toEqual(['w4', 'w2', 'w0']);
    expect(await all(list, { status: ['running', 'succeeded'], since: 3, until: 6, limit: 1 })).toEqual(['w5', 'w4', 'w3']);
    expect(await all(list, { status: 'failed' })).toEqual([]);
  });

  it('counts the steps at the top that have ended', async () => {
    const index = newIndex();
    const add = async (uuid: string, workflow: Workflow): Promise<void> => {
      await store.createState(uuid, newState(1));
      await store.savePlan(uuid, '0', workflow.node);
      await index.add({ uuid, name: 'n', startedAt: 1, steps: topSteps(workflow.node) as number });
    };
    await add('chain', chain(task('a'), task('b'), task('c')));
    await store.keepStep('chain', '0.0', { kind: 'value', value: 1 });
    await add('group', group([task('a'), task('b')]));
    await store.addMember('group', '0', 1, { kind: 'value', value: 1 });
    await add('chord', chord(group([task('a'), task('a')]), task('sum')));
    for (const member of [0, 1]) await store.addMember('chord', '0.0', member, { kind: 'value', value: 1 });
    await store.createState('large', newState(1));
    await index.add({ uuid: 'large', name: 'n', startedAt: 1, steps: 5_000 });
    const { workflows } = await new WorkflowList(index, store).read();
    expect(workflows.map(({ uuid, steps }) => [uuid, steps])).toEqual([
      ['large', undefined], ['chord', { ended: 2, total: 3 }], ['group', { ended: 1, total: 2 }], ['chain', { ended: 1, total: 3 }],
    ]);
  });

  it('goes on where the store has dropped a set, or the number of the present one', async () => {
    const index = newIndex();
    for (let number = 0; number < PAGE_ENTRIES + 5; number++) await published(index, `w${number}`, number);
    await backend.delete('workflow-list:e');
    await published(newIndex(), 'later', 1_000);
    await published(index, 'last', 2_000);
    await published(newIndex(), 'newest', 3_000);
    expect((await all(new WorkflowList(newIndex(), store))).slice(0, 1)).toEqual(['newest']);
    await backend.set('workflow-list:e', Buffer.from('nonsense'), { expiresInMs: HOUR_MS });
    await published(newIndex(), 'after all', 4_000);
    expect(await all(new WorkflowList(newIndex(), store))).toContain('after all');
  });

  it.each([
    [{ status: 'gone' }, /one of running, succeeded, failed, cancelled; found the string "gone"/], [{ limit: 0 }, /from 1 to 200; found the number 0/],
    [{ after: 'x' }, /no place in a list of workflows/], [{ state: 'failed' }, /has no option "state"/], [{ since: '1' }, /milliseconds since 1970/],
  ])('refuses %j', async (filter, message) => {
    await expect(new WorkflowList(newIndex(), store).read(filter as object)).rejects.toThrow(message);
  });
});
