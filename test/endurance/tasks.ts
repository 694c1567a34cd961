import { Injectable } from '@nestjs/common';
import { currentTask, Task, type TaskContext } from '../../lib/index.js';
import { say as write } from '../support/say.js';
import { pause } from '../support/wait.js';
import { DOOMED_ATTEMPTS, type Note } from './protocol.js';

const RETRY = { delaySeconds: 0.5, backoff: 'fixed' } as const;
/** Long enough for others to be aboard. */
const BEFORE_THE_KILL_MS = 300;

export const say: (note: Note) => void = write;

/** Handlers that say what they do. */
@Injectable()
export class EnduranceTasks {
  @Task('short')
  async short(milliseconds: number): Promise<void> {
    await run(() => pause(milliseconds));
  }

  @Task('long')
  async long(milliseconds: number): Promise<void> {
    await run(() => pause(milliseconds));
  }

  @Task('polite')
  async polite(milliseconds: number): Promise<void> {
    await run(({ signal }) => Promise.race([pause(milliseconds), aborted(signal)]));
  }

  @Task('failing', { retry: { ...RETRY, attempts: 10 } })
  async failing(times: number): Promise<void> {
    await run(async ({ attempt }) => {
      await pause(20);
      if (attempt <= times) fail();
    });
  }

  @Task('doomed', { retry: { ...RETRY, attempts: DOOMED_ATTEMPTS } })
  async doomed(): Promise<void> {
    await run(() => fail());
  }

  @Task('limited', { limits: { global: 2 } })
  async limited(milliseconds: number): Promise<void> {
    await run(() => pause(milliseconds));
  }

  @Task('deadly')
  async deadly(): Promise<void> {
    await run(async () => {
      await pause(BEFORE_THE_KILL_MS);
      process.kill(process.pid, 'SIGKILL');
      await new Promise(() => undefined);
    });
  }
}

class OnPurpose extends Error {}

function fail(): never {
  throw new OnPurpose('on purpose');
}

async function run(work: (context: TaskContext) => Promise<void>): Promise<void> {
  const context = currentTask() as TaskContext;
  const { uuid, attempt } = context;
  say({ note: 'started', uuid, attempt });
  try {
    await work(context);
    say({ note: 'finished', uuid });
  } catch (error) {
    say(error instanceof OnPurpose ? { note: 'threw', uuid, attempt } : { note: 'interrupted', uuid });
    throw error;
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
