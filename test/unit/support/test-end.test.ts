import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { eachTests, followEachTest, onTestFinished } from '../../support/test-end.js';

followEachTest();

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const ended: string[] = [];
let made = 0;
const own = eachTests(() => ++made);

describe.concurrent('tests side by side', () => {
  it.each(NAMES)('have each its own end, and what it has made (%s)', async (name) => {
    const first = own();
    for (let turns = NAMES.indexOf(name); turns >= 0; turns--) await turn();
    onTestFinished(() => { ended.push(name); });
    for (let turns = NAMES.indexOf(name); turns < NAMES.length; turns++) await turn();
    expect(own()).toBe(first);
    expect(ended).not.toContain(name);
  });
});

it('have all ended, each with something made for it', () => {
  expect([ended.sort(), made]).toEqual([NAMES, NAMES.length]);
});

it('make something anew at a second try', { retry: 1 }, () => {
  const mine = own();
  onTestFinished(() => { ended.push(`made ${mine}`); });
  if (ended.length === NAMES.length) throw new Error('once more');
  expect(ended).toEqual([...NAMES, `made ${mine - 1}`]);
});
