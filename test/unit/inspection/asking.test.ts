import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { BrokerRefusedError, BrokerUnavailableError } from '../../../lib/errors.js';
import { Asker } from '../../../lib/inspection/asking/asker.js';
import { KnownProcesses, SILENT_MS } from '../../../lib/inspection/asking/known-processes.js';
import { decodeAnswer, decodeFarewell, decodeQuestion, encode, encodeAnswer, QUESTIONS, type Answer, type Question } from '../../../lib/inspection/asking/messages.js';
import { Responder } from '../../../lib/inspection/asking/responder.js';
import type { ProcessInfo, RunningTaskInfo } from '../../../lib/inspection/model.js';
import { TestBus } from '../../support/test-bus.js';

const info = (id: string, running: readonly RunningTaskInfo[] = []): ProcessInfo => ({
  id, status: 'alive', seenAt: 0, host: 'h', pid: 1, role: 'both', versions: { dispatcher: '1', node: '2' }, startedAt: 1, memory: { rssBytes: 1, heapBytes: 1 }, cpu: 0,
  eventLoopLagMs: { p50: 0, p99: 0 }, connection: 'ready', workers: [], running,
});
const running: RunningTaskInfo = { process: 'b', host: 'h', pid: 1, worker: 'w', queue: 'q', uuid: 'u', name: 'n', attempt: 1, startedAt: 1, runningMs: 1, argsBytes: 0, args: [{ type: 'int64', value: 9007199254740993n }] };

describe('asking', () => {
  let bus: TestBus;
  beforeEach(() => {
    vi.useFakeTimers();
    bus = new TestBus();
  });
  afterEach(() => { vi.useRealTimers(); });

  const process = async (id: string, answer = (question: Question): Answer => ({ id: question.id, process: id, items: [info(id)] })): Promise<Responder> => {
    const responder = new Responder({ broker: bus, id, answer, handedOver: () => undefined, other: () => undefined, problem: () => undefined });
    await responder.start();
    onTestFinished(() => responder.stop());
    return responder;
  };
  const makeAsker = (own: (question: Question) => Answer | undefined = () => undefined): Asker => {
    const asker = new Asker({ broker: bus, id: 'a', own, now: () => Date.now() });
    onTestFinished(() => asker.close());
    return asker;
  };
  const ask = async (asker: Asker, passMs = 1_000): Promise<string[]> => {
    const asking = asker.ask({ kind: 'processes' }, 1_000);
    await vi.advanceTimersByTimeAsync(passMs);
    return (await asking).map((answer) => answer.process).sort();
  };
  const states = (asker: Asker): Record<string, string> => Object.fromEntries(asker.known.list(Date.now()).map(({ id, status }) => [id, status]));

  it('waits its whole time at first, and then for those that are known', async () => {
    const asker = makeAsker();
    await Promise.all([process('a'), process('b')]);
    const begun = Date.now();
    expect(await ask(asker)).toEqual(['a', 'b']);
    expect(Date.now() - begun).toBe(1_000);
    expect(await ask(asker, 0)).toEqual(['a', 'b']);
    expect(Date.now() - begun).toBe(1_000);
  });

  it('gets to know who comes later, and no longer waits for who has said farewell', async () => {
    const asker = makeAsker();
    const [a] = await Promise.all([process('a'), process('b')]);
    await ask(asker);
    await process('c');
    await vi.advanceTimersByTimeAsync(2_500);
    expect(Object.keys(states(asker)).sort()).toEqual(['a', 'b', 'c']);
    await a.stop();
    await vi.advanceTimersByTimeAsync(0);
    expect(await ask(asker, 0)).toEqual(['b', 'c']);
    expect(Object.keys(states(asker)).sort()).toEqual(['b', 'c']);
  });

  it('calls lost who is silent, within 15 s also where nobody asks again, with what it ran, and not when it comes back', async () => {
    const asker = makeAsker();
    const answers = (question: Question): Answer => ({ id: question.id, process: 'b', items: [info('b', [running])] });
    await process('a');
    const silent = await process('b', answers);
    await ask(asker);
    // It dies without a word.
    vi.spyOn(bus, 'broadcast').mockImplementationOnce(() => Promise.resolve());
    await silent.stop();
    await vi.advanceTimersByTimeAsync(SILENT_MS / 2);
    expect(states(asker)).toEqual({ a: 'alive', b: 'alive' });
    await vi.advanceTimersByTimeAsync(15_000 - SILENT_MS / 2);
    expect(states(asker)).toEqual({ a: 'alive', b: 'lost' });
    expect(asker.known.list(Date.now()).find(({ id }) => id === 'b')?.running).toEqual([running]);
    expect(await ask(asker, 0)).toEqual(['a']);
    await process('b', answers);
    await ask(asker);
    expect(states(asker)).toEqual({ a: 'alive', b: 'alive' });
  });

  it('blames nobody while the broker is away, and then tells of this process alone', async () => {
    const asker = makeAsker((question) => ({ id: question.id, process: 'a', items: [info('a')] }));
    await Promise.all([process('a'), process('b')]);
    await ask(asker);
    bus.broken = new BrokerUnavailableError('away');
    for (let second = 0; second < 20; second++) expect(await ask(asker)).toEqual(['a']);
    expect(states(asker)).toEqual({ a: 'alive', b: 'alive' });
    bus.broken = undefined;
    expect(await ask(asker)).toEqual(['a', 'b']);
  });

  it('blames nobody where not even this process is heard', async () => {
    const asker = makeAsker();
    await process('b');
    await ask(asker);
    bus.listeners.get(QUESTIONS)?.clear();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(states(asker)).toEqual({ b: 'alive' });
  });

  it('says what the user may not', async () => {
    bus.broken = new BrokerRefusedError('no right');
    await expect(makeAsker().ask({ kind: 'processes' }, 10)).rejects.toBe(bus.broken);
  });

  it('ignores what is none of ours', async () => {
    const asker = makeAsker();
    await process('a');
    const asking = ask(asker);
    await vi.advanceTimersByTimeAsync(0);
    for (const [topic, listeners] of bus.listeners) {
      for (const listener of listeners) for (const bad of ['', '{', 'null', '[]', '{"v":1}', '{"v":2,"id":"x","process":"p","items":[]}', `{"v":1,"id":5,"to":"answers.x","kind":"processes","topic":"${topic}"}`]) listener(Buffer.from(bad));
    }
    expect(await asking).toEqual(['a']);
  });

  it('ends its questions some time after the last one', async () => {
    const asker = makeAsker();
    await process('a');
    await ask(asker);
    await vi.advanceTimersByTimeAsync(60_000);
    const before = bus.sent.length;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(bus.sent).toHaveLength(before);
    expect([...bus.listeners.values()].reduce((sum, { size }) => sum + size, 0)).toBe(1);
    expect(await ask(asker)).toEqual(['a']);
  });

  it('takes no more than a share of a process, which then says only that it lives', async () => {
    vi.useRealTimers();
    let answered = 0;
    await process('a', (question) => {
      answered++;
      const until = performance.now() + 30;
      while (performance.now() < until);
      return { id: question.id, process: 'a', items: [info('a')] };
    });
    const found: Buffer[] = [];
    await bus.watchBroadcasts('answers.x', (message) => found.push(message));
    for (let index = 0; index < 100; index++) await bus.broadcast(QUESTIONS, encode({ id: String(index), to: 'answers.x', kind: 'processes' }));
    await vi.waitFor(() => expect(found).toHaveLength(100));
    expect(answered).toBeLessThan(12);
    expect(decodeAnswer(found[99] as Buffer, () => 'processes')).toMatchObject({ busy: true, items: [] });
  });

  it('says once that it cannot be asked, and goes on trying', async () => {
    const problems: string[] = [];
    bus.broken = new BrokerRefusedError('no right');
    const responder = new Responder({ broker: bus, id: 'a', answer: () => { throw new Error('not asked'); }, handedOver: () => undefined, other: () => undefined, problem: (message) => problems.push(message) });
    const started = responder.start();
    await vi.advanceTimersByTimeAsync(200_000);
    expect(problems).toHaveLength(1);
    bus.broken = undefined;
    await vi.advanceTimersByTimeAsync(60_000);
    await started;
    expect(bus.listeners.get(QUESTIONS)?.size).toBe(1);
    await responder.stop();
    // Nobody has ever asked it: there is nobody to say farewell to.
    expect(bus.sent).toEqual([]);
  });
});

describe('messages of inspection', () => {
  it('travel as they are, 64-bit integers too', () => {
    const answer: Answer = { id: 'q', process: 'b', items: [running] };
    expect(decodeAnswer(encodeAnswer(answer, 10_000), () => 'running')).toMatchObject(answer);
    expect(decodeQuestion(encode({ id: 'q', to: 'answers.x', kind: 'running', filter: { args: { 0: 1 } } }))).toMatchObject({ kind: 'running', filter: { args: { 0: 1 } } });
    expect(decodeFarewell(encode({ process: 'p' }))).toBe('p');
  });

  it('are cut to what a message holds, and say so', () => {
    const answer: Answer = { id: 'q', process: 'b', items: Array.from({ length: 100 }, () => running) };
    const encoded = encodeAnswer(answer, 2_000);
    expect(encoded.length).toBeLessThanOrEqual(2_000);
    const decoded = decodeAnswer(encoded, () => 'running');
    expect(decoded?.cut).toBe(true);
    expect(decoded?.items.length).toBeGreaterThan(3);
    expect(decodeAnswer(encodeAnswer(answer, 1_000_000), () => 'running')?.cut).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ['an item that is none', 5], ['an item without its fields', {}], ['fields of another kind', { ...running, startedAt: 'now', args: undefined }],
  ])('are ignored with %s', (_what, item) => {
    expect(decodeAnswer(encode({ id: 'q', process: 'b', items: [item] }), () => 'running')).toBeUndefined();
  });

  it('are ignored for a question that nobody asked, or that is none', () => {
    expect(decodeAnswer(encode({ id: 'q', process: 'b', items: [] }), () => undefined)).toBeUndefined();
    expect(decodeQuestion(encode({ id: 'q', to: 'tasks', kind: 'running' }))).toBeUndefined();
    expect(decodeQuestion(encode({ id: 'q', to: 'answers.x', kind: 'toString' }))).toBeUndefined();
    expect(decodeQuestion(encode({ id: 'q', to: 'answers.x', kind: 'running', filler: 'x'.repeat(100_000) }))).toBeUndefined();
  });
});

describe('the known processes', () => {
  it('are forgotten some time after they were lost, and bounded', () => {
    const known = new KnownProcesses();
    known.answered('a', 0, info('a'));
    known.asked(0, new Set());
    expect(known.list(SILENT_MS)).toMatchObject([{ id: 'a', status: 'lost', seenAt: 0 }]);
    expect(known.awaited(SILENT_MS)).toEqual([]);
    expect(known.list(3_600_001)).toEqual([]);
    for (let index = 0; index < 6_000; index++) known.answered(String(index), 1);
    expect(known.awaited(1)).toHaveLength(5_000);
  });

  it('do not come back by an answer that was under way when they said farewell', () => {
    const known = new KnownProcesses();
    known.answered('a', 0, info('a'));
    known.saidFarewell('a', 1);
    known.answered('a', 2, info('a'));
    expect(known.list(3)).toEqual([]);
  });
});
