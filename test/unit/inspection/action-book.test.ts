import { describe, expect, it } from 'vitest';
import type { ActionEvent } from '../../../lib/events/action-event.js';
import type { EventStamp } from '../../../lib/events/event-stamp.js';
import { checkActions } from '../../../lib/inspection/action-filter.js';
import { decodeHandover, encodeHandover, MOST_HANDED_OVER } from '../../../lib/inspection/asking/messages.js';
import { ActionBook } from '../../../lib/inspection/book/action-book.js';
import type { ActionInfo } from '../../../lib/inspection/model.js';

function performed(at: number, more: Partial<ActionEvent> = {}): ActionEvent & EventStamp {
  return { type: 'action.performed', action: 'purge', by: 'ann', what: { queue: 'q' }, count: 1, at, level: 'log', origin: 'action', ...more } as ActionEvent & EventStamp;
}

const book = (): ActionBook => new ActionBook({ host: 'h', pid: 1 });

describe('the book of actions', () => {
  it('tells the newest first, by action, who and when', () => {
    const actions = book();
    actions.add(performed(1));
    actions.add(performed(2, { action: 'dead-letters.replay', by: 'bob' }));
    actions.add({ type: 'action.failed', action: 'purge', what: {}, error: new Error('no'), at: 3, level: 'warn', origin: 'action' });
    expect(actions.list({}, 10)).toEqual([
      { id: expect.any(String) as string, at: 3, host: 'h', pid: 1, action: 'purge', what: {}, error: 'no' },
      { id: expect.any(String) as string, at: 2, host: 'h', pid: 1, action: 'dead-letters.replay', by: 'bob', what: { queue: 'q' }, count: 1 },
      { id: expect.any(String) as string, at: 1, host: 'h', pid: 1, action: 'purge', by: 'ann', what: { queue: 'q' }, count: 1 },
    ]);
    const times = (filter: Parameters<ActionBook['list']>[0], limit = 10): number[] => actions.list(filter, limit).map(({ at }) => at);
    expect([times({ action: 'dead-letters.*' }), times({ by: 'ann' }), times({ since: 2, until: 3 }), times({}, 1)]).toEqual([[2], [1], [2], [3]]);
  });

  it('keeps the last 500, of others too, each once', () => {
    const actions = book();
    const other = book();
    const foreign = Array.from({ length: 3 }, (_, at) => other.add(performed(at)));
    for (const action of [...foreign, ...foreign]) actions.addForeign(action);
    expect(actions.list({}, 1_000)).toHaveLength(3);
    expect(actions.lastOwn(10)).toEqual([]);
    for (let at = 0; at < 600; at++) actions.add(performed(at));
    expect(actions.list({}, 1_000)).toHaveLength(500);
    expect(actions.lastOwn(2).map(({ at }) => at)).toEqual([599, 598]);
  });

  it('is handed over within the size of a broadcast, and nothing else passes for it', () => {
    const actions = Array.from({ length: 300 }, (_, at) => book().add(performed(at, { reason: 'r'.repeat(20_000) })));
    const message = encodeHandover(actions);
    expect(message.length).toBeLessThan(1024 * 1024);
    expect(decodeHandover(message)?.[0]).toEqual(actions[0]);
    expect(decodeHandover(encodeHandover(Array.from({ length: 300 }, (_, at) => book().add(performed(at)))))).toHaveLength(MOST_HANDED_OVER);
    for (const wrong of ['', '{}', '{"v":1,"actions":{}}', '{"v":1,"actions":[{}]}', '{"v":2,"actions":[]}']) expect(decodeHandover(Buffer.from(wrong))).toBeUndefined();
    const { what: _what, ...without } = actions[0] as ActionInfo;
    expect(decodeHandover(encodeHandover([without as ActionInfo]))).toBeUndefined();
  });

  it.each([[{ acton: 'purge' }, /Did you mean "action"/], [{ since: 'x' }, /since/], [{ limit: 0 }, /limit/], ['x', /no option/]])('refuses the filter %j', (filter, message) => {
    expect(() => checkActions(filter as never)).toThrow(message);
  });
});
