import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { TaskHeaders, TaskInput } from '../../../lib/task/task.js';
import type { StepSender } from '../../../lib/workflows/step-sender.js';
import { WorkflowStore } from '../../../lib/workflows/workflow-store.js';
import { Workflows } from '../../../lib/workflows/workflows.js';
import { chord, group, task, type TaskSignature } from '../../../lib/workflows/workflow.js';
import { itemAt } from '../../support/present.js';
import { SimulatedBackend } from './simulation.js';
import { unaudited } from '../../../lib/events/audited.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

interface Sent { task: TaskInput; headers: TaskHeaders }

function scene(onSend: (sent: Sent) => void): { backend: SimulatedBackend; workflows: Workflows } {
  const backend = new SimulatedBackend();
  const sender: StepSender = {
    send: async (one, headers) => {
      await Promise.resolve();
      onSend({ task: one, headers });
    },
    sendTo: () => Promise.reject(new Error('nothing is retried here')),
    replay: () => Promise.reject(new Error('nothing is retried here')),
  };
  const workflows = new Workflows({
    exchange: 'e',
    audited: unaudited,
    backend: () => Promise.resolve(backend), sender, expiresInMs: 1e9, now: () => 0, ready: () => Promise.resolve(), callOff: () => Promise.resolve(),
    emit: (event) => { if (event.type === 'workflow.problem') throw new Error(event.message); },
  });
  return { backend, workflows };
}

describe('a group of 100,000 members', () => {
  it('needs flat memory, and no operation for a member, at its publisher', async () => {
    const heaps: number[] = [];
    let sent = 0;
    const { backend, workflows } = scene(() => { sent++; });
    function* members(): Generator<TaskSignature> {
      for (let index = 0; index < 100_000; index++) {
        if (index % 10_000 === 5_000) {
          collectGarbage();
          heaps.push(process.memoryUsage().heapUsed);
        }
        yield task('member', index, 'x'.repeat(100));
      }
    }
    await workflows.publish(chord(group(members(), { sendConcurrency: 500 }), task('done')));
    expect(sent).toBe(100_000);
    expect(Math.max(...heaps.slice(1)) - (heaps[0] as number)).toBeLessThan(4 * 1024 * 1024);
    expect(backend.operations).toBeLessThan(12);
  }, 120_000);

  it.each([200, 5_000])('costs each of its members the same, whether there are %i', async (size) => {
    const sent: Sent[] = [];
    const { backend, workflows } = scene((one) => sent.push(one));
    const { uuid } = await workflows.publish(chord(group(Array.from({ length: size }, (_, index) => task('member', index))), task('done')));
    const before = backend.operations;
    for (const [index, { task: { uuid: of = '', name }, headers }] of sent.splice(0).entries()) {
      const visit = { uuid: of, name, args: [], headers, attempt: 1, queue: 'q', worker: 'w', redelivered: false };
      expect(await workflows.gate.enter(visit)).toEqual({ kind: 'run' });
      await workflows.gate.leave(visit, { kind: 'succeeded', value: index });
    }
    // Two for a member, and for all of them together the plan and their results.
    expect(backend.operations - before).toBeLessThanOrEqual(2 * size + 5);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.task.args).toEqual([{ type: 'json', value: Array.from({ length: size }, (_, index) => index) }]);
    expect((await new WorkflowStore(() => Promise.resolve(backend), 1e9).state(uuid))?.status).toBe('running');
  });
});

describe('a group whose size only its end tells', () => {
  it.each([[0], [2]])('calls back after its last member, of which %i had ended before that', async (early) => {
    const sent: Sent[] = [];
    const { workflows } = scene((one) => sent.push(one));
    const end = async (index: number): Promise<void> => {
      const { task: { uuid = '', name }, headers } = itemAt(sent, index);
      const visit = { uuid, name, args: [], headers, attempt: 1, queue: 'q', worker: 'w', redelivered: false };
      await workflows.gate.enter(visit);
      await workflows.gate.leave(visit, { kind: 'succeeded', value: index });
    };
    async function* members(): AsyncGenerator<TaskSignature> {
      for (let index = 0; index < 4; index++) {
        yield task('member', index);
        if (index === early) for (let ended = 0; ended < early; ended++) await end(ended);
      }
    }
    await workflows.publish(chord(group(members(), { sendConcurrency: 1 }), task('done')));
    for (let index = early; index < 3; index++) {
      await end(index);
      expect(sent).toHaveLength(4);
    }
    await end(3);
    expect(sent.slice(4).map(({ task: { name, args } }) => ({ name, args }))).toEqual([{ name: 'done', args: [{ type: 'json', value: [0, 1, 2, 3] }] }]);
  });
});
