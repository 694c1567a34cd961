import { describe, expect, it } from 'vitest';
import { ACTION_NAMES, type ActionEvent } from '../../../lib/events/action-event.js';
import { auditedBy, unaudited } from '../../../lib/events/audited.js';
import { lineOf } from '../../../lib/events/event-table.js';

function setUp(): { told: ActionEvent[]; audited: ReturnType<typeof auditedBy> } {
  const told: ActionEvent[] = [];
  return { told, audited: auditedBy((event) => told.push(event)) };
}

describe('what somebody does', () => {
  it('is told once when it is done, with who, why, what and how many', async () => {
    const { told, audited } = setUp();
    const done = await audited({ action: 'purge', by: 'ann', reason: 'wrong file', what: { queue: 'orders', limit: undefined, before: new Date(0) } }, async () => {
      expect(told).toEqual([]);
      return 7;
    }, (count) => ({ count }));
    expect(done).toBe(7);
    expect(told).toEqual([{ type: 'action.performed', action: 'purge', by: 'ann', reason: 'wrong file', what: { queue: 'orders', before: '1970-01-01T00:00:00.000Z' }, count: 7 }]);
    expect(lineOf(told[0] as ActionEvent).text).toBe('Action "purge" on queue "orders", before "1970-01-01T00:00:00.000Z" by "ann": 7 concerned. Reason: "wrong file"');
  });

  it('is told once when it fails, and fails', async () => {
    const { told, audited } = setUp();
    const error = new Error('no such queue');
    await expect(audited({ action: 'purge', what: { queue: 'x' } }, () => Promise.reject(error))).rejects.toBe(error);
    expect(told).toEqual([{ type: 'action.failed', action: 'purge', what: { queue: 'x' }, error }]);
    expect(lineOf(told[0] as ActionEvent).text).toBe('Action "purge" on queue "x" failed: no such queue');
  });

  it('is told in bounded texts, whatever it was called with', async () => {
    const { told, audited } = setUp();
    const what = Object.fromEntries([['queue', Symbol('q')], ['name', 'x'.repeat(10_000)], ...Array.from({ length: 50 }, (_, index) => [`more${index}`, { big: 'y'.repeat(10_000) }] as const)] as const);
    await audited({ action: 'pause', by: { toString: () => { throw new Error('no text'); } }, reason: 'z'.repeat(10_000), what }, () => Promise.resolve());
    expect(JSON.stringify(told).length).toBeLessThan(10_000);
    expect(Object.keys((told[0] as ActionEvent).what)).toHaveLength(20);
  });

  it('is not told as a step of something else', async () => {
    expect(await unaudited({ action: 'pause', what: {} }, () => Promise.resolve(3))).toBe(3);
  });

  it('has a name that nobody else has', () => {
    expect(new Set(ACTION_NAMES).size).toBe(ACTION_NAMES.length);
  });
});
