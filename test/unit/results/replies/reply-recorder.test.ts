import { describe, expect, it } from 'vitest';
import { BrokerUnavailableError, TaskTooLargeError, UnroutableTaskError } from '../../../../lib/index.js';
import { decodeTaskResult } from '../../../../lib/results/result-codec.js';
import { ReplyRecorder } from '../../../../lib/results/replies/reply-recorder.js';
import { SilencedTasks } from '../../../../lib/results/replies/silenced-tasks.js';
import { ScriptedBroker } from '../../../support/scripted-broker.js';

const task = { uuid: 'u', name: 'add', replyTo: 'answers' };
const STARTED = { state: 'started', at: 1, attempt: 1 } as const;
const PROGRESS = { state: 'progress', at: 2, attempt: 1, fraction: 0.5 } as const;
const ENDED = { state: 'succeeded', at: 2, attempt: 1 } as const;

/** A recorder whose process is told by the queue `back`. */
function makeSilencing(): { broker: ScriptedBroker; recorder: ReplyRecorder; tasks: SilencedTasks; asked: () => number } {
  const broker = new ScriptedBroker();
  const tasks = new SilencedTasks(() => 0);
  let asked = 0;
  const address = (): string | undefined => (asked++ === 0 ? undefined : 'back');
  return { broker, tasks, asked: () => asked, recorder: new ReplyRecorder(broker, { onUnheard: () => undefined, silencing: { tasks, address } }) };
}

function make(): { broker: ScriptedBroker; recorder: ReplyRecorder; unheard: string[] } {
  const broker = new ScriptedBroker();
  const unheard: string[] = [];
  return { broker, unheard, recorder: new ReplyRecorder(broker, { onUnheard: ({ uuid }) => unheard.push(uuid) }) };
}

describe('a report', () => {
  it('goes to the queue that the task names, as what happened since the last one', async () => {
    const { broker, recorder } = make();
    await recorder.record(task, [STARTED]);
    await recorder.record(task, [ENDED], { kind: 'value', value: 3n });
    expect(broker.published.map(({ address }) => address)).toEqual([{ queue: 'answers' }, { queue: 'answers' }]);
    const [first, last] = broker.published.map(({ message }) => decodeTaskResult(message.body));
    expect(first).toMatchObject({ uuid: 'u', name: 'add', state: 'started', timeline: [STARTED] });
    expect(last).toMatchObject({ state: 'succeeded', timeline: [ENDED], outcome: { kind: 'value', value: 3n } });
    expect(broker.published[0]?.message.properties).toMatchObject({ correlationId: 'u', type: 'dispatcher.report', contentType: 'application/json' });
  });

  it('is not made where nobody is to be told', async () => {
    const { broker, recorder } = make();
    expect([recorder.reaches(task), recorder.reaches({ uuid: 'u', name: 'add' }), recorder.reaches({ ...task, replyTo: '' })]).toEqual([true, false, false]);
    await recorder.record({ uuid: 'u', name: 'add' }, [ENDED]);
    expect(broker.published).toEqual([]);
  });

  it('that nobody hears is dropped; notes are not sent there again, ends are tried', async () => {
    const { broker, recorder, unheard } = make();
    let tries = 0;
    broker.onPublish = () => { tries++; return Promise.reject(new UnroutableTaskError('no such queue')); };
    await recorder.record(task, [STARTED]);
    await recorder.record(task, [STARTED]);
    await recorder.record(task, [ENDED]);
    expect([tries, unheard]).toEqual([2, ['u', 'u']]);
    broker.onPublish = () => Promise.resolve();
    await recorder.record(task, [ENDED]);
    await recorder.record(task, [STARTED]);
    expect(broker.published).toHaveLength(2);
  });

  it('that the broker does not carry goes without its value', async () => {
    const { broker, recorder } = make();
    broker.onPublish = ({ body }) => (body.length > 1_000 ? Promise.reject(new TaskTooLargeError('too large')) : Promise.resolve());
    await recorder.record(task, [ENDED], { kind: 'value', value: 'x'.repeat(2_000) });
    expect(decodeTaskResult(broker.published[0]?.message.body as Buffer).outcome).toMatchObject({ kind: 'unstorable', problem: expect.stringContaining('too large') as string });
  });

  it('that could not be sent is an error, so that it is tried again', async () => {
    const { broker, recorder } = make();
    broker.onPublish = () => Promise.reject(new BrokerUnavailableError('away'));
    await expect(recorder.record(task, [ENDED])).rejects.toThrow('away');
  });

  it('of progress says where its sender can be told that nobody listens, as soon as there is such a place', async () => {
    const { broker, recorder, asked } = makeSilencing();
    await recorder.record(task, [STARTED]);
    await recorder.record(task, [{ state: 'retrying', at: 2, attempt: 1 }]);
    expect(asked()).toBe(0);
    await recorder.record(task, [STARTED, PROGRESS]);
    await recorder.record(task, [PROGRESS]);
    await recorder.record(task, [PROGRESS, ENDED], { kind: 'value', value: 1 });
    expect(broker.published.map(({ message }) => message.properties.replyTo)).toEqual([undefined, undefined, undefined, 'back', undefined]);
  });

  it('is not listened to where its caller says so, up to the end of the task, which is sent', async () => {
    const { broker, recorder, tasks } = makeSilencing();
    expect([recorder.isListenedTo(task), make().recorder.isListenedTo(task)]).toEqual([true, true]);
    tasks.take({ uuid: 'u', caller: 'answers', listening: false });
    expect(recorder.isListenedTo(task)).toBe(false);
    expect(recorder.isListenedTo({ ...task, replyTo: 'of another' })).toBe(true);
    await recorder.record(task, [PROGRESS, ENDED], { kind: 'value', value: 1 });
    expect(decodeTaskResult(broker.published[0]?.message.body as Buffer).state).toBe('succeeded');
    expect(recorder.isListenedTo(task)).toBe(true);
  });
});
