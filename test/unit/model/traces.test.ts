import { describe, expect, it } from 'vitest';
import type { Trace, TraceLine } from '../../model/traces/follow.js';
import { keptTraces } from '../../model/traces/kept-traces.js';
import { TRACED, type TracedProtocol } from '../../model/traces/protocols.js';
import { noTlc } from '../../model/tlc.js';

/** Java starts first, and others use the machine. */
const LIMIT_MS = 300_000;

type Which = (line: TraceLine, index: number, trace: Trace) => boolean;

const is = (what: string, more: Readonly<Record<string, string | number>> = {}): Which => (line) => line.what === what && Object.entries(more).every(([name, value]) => line[name] === value);

/** Without the first line that is such a one; `undefined` where there is none. */
function without(trace: Trace, which: Which): Trace | undefined {
  const index = trace.findIndex(which);
  return index === -1 ? undefined : trace.filter((_, at) => at !== index);
}

/** The first line that is the later one, in front of the last that is the earlier one before it. */
function sooner(trace: Trace, later: Which, earlier: Which): Trace | undefined {
  const from = trace.findIndex(later);
  const to = trace.slice(0, Math.max(from, 0)).findLastIndex(earlier);
  return from === -1 || to === -1 ? undefined : [...trace.slice(0, to), trace[from]!, ...trace.slice(to, from), ...trace.slice(from + 1)];
}

/** Who told of the last member; where nobody died. */
function lastAdder(trace: Trace): string {
  return trace.some(is('died')) ? '' : String(trace.findLast(is('added'))?.by);
}

/** Whoever keeps it next finds it free where it was held, or held where it was free. */
function forgedKeeper(trace: Trace): Trace | undefined {
  const index = trace.findLastIndex(is('keeping'));
  return index <= 0 ? undefined : trace.map((line, at) => (at === index ? { ...line, who: line.who === 'none' ? 'o1' : 'none' } : line));
}

type Forgery = readonly [title: string, forge: (trace: Trace) => Trace | undefined];

const FORGERIES: Readonly<Record<string, readonly Forgery[]>> = {
  Settle: [
    ['accepted without a confirm', (trace) => without(trace, is('confirm', { number: 1 }))],
    ['accepted before the confirm', (trace) => sooner(trace, is('accepted'), is('confirm', { number: 1 }))],
    ['acknowledged without a record', (trace) => without(trace, is('kept'))],
    ['acknowledged before the record', (trace) => (trace.some(is('publish', { attempt: 2 })) ? undefined : sooner(trace, is('ack'), is('kept')))],
    ['acknowledged without a confirm of the next attempt', (trace) => (trace.some(is('publish', { attempt: 2 })) ? without(trace, is('confirm', { number: 2 })) : undefined)],
    ['buried without a dead letter', (trace) => without(trace, is('publish', { kind: 'dead' }))],
    ['delivered without a publish', (trace) => without(trace, is('publish', { by: 'publisher' }))],
  ],
  Ledger: [
    ['told before it is confirmed', (trace) => sooner(trace, is('told', { number: 2 }), is('confirm', { number: 2 }))],
    ['told without a confirm', (trace) => without(trace, is('confirm', { number: 2 }))],
    ['released before what outdates it is confirmed', (trace) => sooner(trace, is('release', { number: 2 }), is('confirm', { number: 3 }))],
    ['released although nothing outdates it', (trace) => [...trace.slice(0, 5), { what: 'release', number: 2 }]],
    ['taken while another has it', (trace) => trace.map((line, index) => (index === trace.findLastIndex(is('write', { who: 'o1', says: 'taken' })) ? { ...line, who: 'o2' } : line))],
    ['read otherwise by the next keeper', (trace) => forgedKeeper(trace)],
    ['written by one that is gone', (trace) => without(trace, (line, index) => line.what === 'keeping' && index > 0)],
  ],
  Chord: [
    ['called before the last member was added', (trace) => sooner(trace, is('call'), is('added'))],
    ['called without a member', (trace) => without(trace, is('added'))],
    ['the last member acknowledged before the call', (trace) => sooner(trace, is('ack', { by: lastAdder(trace) }), is('call'))],
    ['... and without its confirm', (trace) => without(trace, is('confirm'))],
    ['run without a call', (trace) => without(trace, is('call'))],
    ['run again when it was done', (trace) => [...trace, trace.find(is('run'))!]],
  ],
  Lease: [
    ['acknowledged without a confirm of the copy', (trace) => without(trace, is('copied'))],
    ['acknowledged before it', (trace) => sooner(trace, is('ack'), is('copied'))],
    ['published without a claim', (trace) => without(trace, is('claimed'))],
    ['inherited from one that lives', (trace) => without(trace, is('died'))],
    ['inherited after too few looks', (trace) => (trace.some(is('inherit')) ? without(trace, is('look', { looks: 2 })) : undefined)],
    ['run again without a claim', (trace) => without(trace, is('inherit'))],
    ['dropped before it was done', (trace) => sooner(trace, is('drop'), is('done'))],
  ],
  Unique: [
    ['acknowledged with the key still held', (trace) => without(trace, is('freed'))],
    ['claimed while another has it', (trace) => sooner(trace, is('claimed', { by: 't2' }), is('freed', { by: 't1' }))],
    ['held without a claim', (trace) => without(trace, is('claimed'))],
    ['held before the confirm', (trace) => sooner(trace, is('held'), is('confirm'))],
    ['freed by another', (trace) => trace.map((line) => (line.what === 'freed' && line.by === 't1' ? { ...line, by: 't2' } : line))],
    ['acknowledged before it was freed', (trace) => sooner(trace, is('ack'), is('freed'))],
  ],
};

describe.skipIf(noTlc !== undefined)(`traces of real runs, by TLC${noTlc === undefined ? '' : ` (${noTlc})`}`, () => {
  const eachOne = TRACED.map((protocol) => [protocol.name, protocol] as const);

  it.each(eachOne)('are behaviours of %s; a forged one is not', async (name, protocol: TracedProtocol) => {
    const kept = keptTraces(name);
    const forged = (FORGERIES[name] ?? []).map(([title, forge]) => ({ title, trace: kept.map(forge).find((trace) => trace !== undefined) }));
    expect(forged.filter(({ trace }) => trace === undefined)).toEqual([]);
    const followed = await protocol.follow([...kept, ...forged.map(({ trace }) => trace!)]);
    expect(followed.slice(0, kept.length).filter(({ refusedAt }) => refusedAt !== undefined)).toEqual([]);
    expect(followed.slice(kept.length).map(({ refusedAt }, index) => [forged[index]?.title, refusedAt === undefined])).toEqual(forged.map(({ title }) => [title, false]));
  }, LIMIT_MS);
});
