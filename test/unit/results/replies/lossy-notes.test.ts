import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReplyInbox } from '../../../../lib/results/replies/reply-inbox.js';
import { ASKING_FOR_MS, SILENCED_FOR_MS, SilencedTasks } from '../../../../lib/results/replies/silenced-tasks.js';
import { encodeTaskResult } from '../../../../lib/results/result-codec.js';
import { advance, newTaskResult, type TaskResult } from '../../../../lib/results/task-result.js';
import { LOOK_EVERY_MS, RunReports } from '../../../../lib/worker/run-reports.js';

const STEP_MS = 20;
const LONGEST_WAY_MS = 200;

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

/** Always the same numbers for a seed, 0 to 1. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

/** Caller and worker of one task, and between them a way on which notes are lost and overtake each other. */
class BothSides {
  readonly inbox: ReplyInbox;
  readonly run: RunReports;
  sent = 0;
  lossy = true;
  step = 0;
  private readonly silenced = new SilencedTasks(() => Date.now());
  private readonly stepping: NodeJS.Timeout;

  constructor(private readonly random: () => number) {
    this.inbox = new ReplyInbox({
      expiresInMs: 3_600_000, warn: () => undefined,
      tell: (_worker, uuid, listening) => this.carry(() => this.silenced.take({ uuid, caller: 'caller', listening })),
    }, () => Date.now());
    this.run = new RunReports({ uuid: 'u', name: 'n', replyTo: 'caller' }, {
      recorder: {
        reaches: () => true,
        isListenedTo: (reported) => !this.silenced.keepsBack(reported),
        record: (_, entries, outcome) => {
          this.sent++;
          const body = encodeTaskResult(advance(newTaskResult('u', 'n'), entries, outcome));
          // Reports keep their order, and are not lost.
          setTimeout(() => this.inbox.receive(body, outcome === undefined ? 'worker' : undefined), LONGEST_WAY_MS / 2);
          return Promise.resolve();
        },
      },
      stopped: new AbortController().signal,
      onProblem: () => undefined,
    });
    this.stepping = setInterval(() => this.run.note({ state: 'progress', at: Date.now(), attempt: 1, fraction: ++this.step / 1e6 }), STEP_MS);
  }

  end(): void {
    clearInterval(this.stepping);
    this.inbox.close();
  }

  private carry(note: () => void): void {
    if (this.lossy && this.random() < 0.5) return;
    setTimeout(note, this.random() * LONGEST_WAY_MS);
  }
}

describe.each(Array.from({ length: 20 }, (_, seed) => seed + 1))('notes that are lost and overtake each other, %i', (seed) => {
  it('leave nobody without progress who listens, nobody with it who does not, and no task without its end', async () => {
    const random = randomFrom(seed);
    const sides = new BothSides(random);
    let latest: TaskResult | undefined;
    let stop: (() => void) | undefined;
    for (let turn = 0; turn < 30; turn++) {
      await vi.advanceTimersByTimeAsync(random() * 3_000);
      if (stop === undefined) stop = sides.inbox.watch('u', (result) => { latest = result; });
      else {
        stop();
        stop = undefined;
      }
    }
    // Nobody listens now. Notes are no longer lost, but what was lost stays so.
    sides.lossy = false;
    await vi.advanceTimersByTimeAsync(5_000);
    const before = sides.sent;
    await vi.advanceTimersByTimeAsync(5 * SILENCED_FOR_MS);
    expect(sides.sent - before).toBeLessThanOrEqual(5);

    // Somebody comes back, and the note of it may be lost, or be overtaken by the last one that nobody listens.
    sides.lossy = true;
    stop = sides.inbox.watch('u', (result) => { latest = result; });
    await vi.advanceTimersByTimeAsync(SILENCED_FOR_MS + ASKING_FOR_MS + 2 * LOOK_EVERY_MS + 2 * LONGEST_WAY_MS);
    const newest = sides.step;
    await vi.advanceTimersByTimeAsync(LOOK_EVERY_MS);
    expect((latest?.timeline.at(-1)?.fraction ?? 0) * 1e6).toBeGreaterThan(newest);

    stop();
    await sides.run.end({ state: 'succeeded', at: Date.now(), attempt: 1 }, { kind: 'value', value: seed });
    await vi.advanceTimersByTimeAsync(LONGEST_WAY_MS);
    expect(await sides.inbox.read('u')).toMatchObject({ state: 'succeeded', outcome: { kind: 'value', value: seed } });
    sides.end();
  });
});
