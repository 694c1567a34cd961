import { describe, expect, it } from 'vitest';
import { Account } from '../../endurance/account.js';
import { DOOMED_ATTEMPTS, MAX_REDELIVERIES, type Kind } from '../../endurance/protocol.js';

function accountOf(kind: Kind): Account {
  const account = new Account();
  account.offered('a', kind);
  account.ledger.add({ kind: 'accepted', uuid: 'a' });
  return account;
}

const times = (count: number, action: () => void): void => { for (let number = 0; number < count; number++) action(); };

describe('the account of what tasks are charged for', () => {
  it('counts an attempt only where the handler failed at the one before', () => {
    const account = accountOf('failing');
    account.started('a', 1);
    account.started('a', 2);
    expect(account.chargedWrongly()).toEqual([expect.stringContaining('failing a started as attempt 2')]);
    account.threw('a', 1);
    expect(account.chargedWrongly()).toEqual([]);
  });

  it('takes a crash loop for one only where processes died often enough', () => {
    const account = accountOf('deadly');
    account.dead({ uuid: 'a', reason: 'crash-loop' });
    times(MAX_REDELIVERIES, () => account.died('a'));
    expect(account.chargedWrongly()).toEqual([expect.stringContaining('deadly a ended as crash-loop; 4 processes had died')]);
    account.died('a');
    expect(account.chargedWrongly()).toEqual([]);
  });

  it('lets a kill count for what had begun before and ran nowhere then, and for nothing else', () => {
    const account = accountOf('long');
    account.processKilled();
    account.started('a', 1);
    account.processKilled();
    account.left('a');
    times(MAX_REDELIVERIES, () => account.processKilled());
    account.dead({ uuid: 'a', reason: 'crash-loop' });
    expect(account.chargedWrongly()).toEqual([expect.stringContaining('0 processes had died while it ran, 4 between its runs')]);
    account.died('a');
    expect(account.chargedWrongly()).toEqual([]);
  });

  it('takes a task for failed only where its handler failed to the last attempt', () => {
    const account = accountOf('doomed');
    account.dead({ uuid: 'a', reason: 'failed' });
    account.threw('a', 1);
    expect(account.chargedWrongly()).toHaveLength(1);
    times(DOOMED_ATTEMPTS, () => account.threw('a', account.ledger.dead.size + 1));
    expect(account.chargedWrongly()).toHaveLength(1);
    account.threw('a', DOOMED_ATTEMPTS);
    expect(account.chargedWrongly()).toEqual([]);
  });

  it.each<[Kind, string]>([['short', 'failed'], ['long', 'crash-loop'], ['limited', 'unknown-task'], ['short', 'dropped by the server']])('knows no reason why %s should end as %s', (kind, reason) => {
    const account = accountOf(kind);
    account.dead({ uuid: 'a', reason });
    expect({ wrong: account.chargedWrongly().length, lost: account.ledger.lost() }).toEqual({ wrong: 1, lost: [] });
  });

  it('knows what was never published', () => {
    const account = accountOf('short');
    account.dead({ uuid: 'b', reason: 'failed' });
    expect(account.invented()).toEqual(['b']);
  });
});
