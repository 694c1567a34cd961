import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { DispatcherError, Task, type Entrance, type ServerConfig, type TaskEnd, type TaskGate, type TaskVisit } from '../../../lib/index.js';
import { startTested } from './tested-app.js';

@Injectable()
class Tasks {
  readonly ran: string[] = [];
  @Task('a') a(value: string): void { this.ran.push(value); }
  @Task('b') b(value: string): void { this.ran.push(value); }
}

/** Lets `a` run between opening and closing, and hears how it ended. */
class OpeningHours implements TaskGate {
  readonly name = 'opening hours';
  readonly ends: string[] = [];
  constructor(private readonly answer: (visit: TaskVisit) => Entrance) {}

  concerns({ name }: TaskVisit): boolean { return name === 'a'; }
  enter(visit: TaskVisit): Promise<Entrance> { return Promise.resolve(this.answer(visit)); }
  leave({ uuid }: TaskVisit, { kind }: TaskEnd): Promise<void> { this.ends.push(`${uuid} ${kind}`); return Promise.resolve(); }
}

describe('gates of the application\'s own', () => {
  it('are asked before a task runs, and told how it ended', async () => {
    let isOpen = false;
    const gate = new OpeningHours(() => (isOpen ? { kind: 'run', args: [{ type: 'string', value: 'newer' }] } : { kind: 'wait', delayMs: 60_000, reason: 'It is closed.' }));
    const { testing, module, dispatcher } = await startTested({}, { gates: [gate] }, [Tasks]);
    const { ran } = module.get(Tasks);
    await dispatcher.publish({ name: 'a', uuid: 'u', args: [{ type: 'string', value: 'older' }] });
    await dispatcher.publish('b', 'b');
    await testing.drain();
    expect([ran, gate.ends]).toEqual([['b'], ['u returned']]);
    isOpen = true;
    await testing.clock.advance({ minutes: 2 });
    await testing.drain();
    expect([ran, gate.ends]).toEqual([['b', 'newer'], ['u returned', 'u succeeded']]);
  });

  it('may make dead letters, and are asked again when they fail', async () => {
    let fails = true;
    const gate = new OpeningHours(() => {
      if (fails) throw new Error('It cannot be asked.');
      return { kind: 'bury', reason: 'unsupported', error: new DispatcherError('ERR_DISPATCHER_UNSUPPORTED', 'Never again.') };
    });
    const { testing, dispatcher } = await startTested({}, { gates: [{ ...gate, name: 'n', concerns: (of) => gate.concerns(of), enter: async (of) => gate.enter(of), leave: (of, end) => gate.leave(of, end) }] }, [Tasks]);
    await dispatcher.publish({ name: 'a', uuid: 'u', args: [{ type: 'string', value: 'x' }] });
    await testing.clock.advance({ minutes: 1 });
    fails = false;
    await testing.clock.advance({ minutes: 1 });
    await testing.drain();
    expect((await dispatcher.deadLetters.list('mail')).letters).toMatchObject([{ uuid: 'u', reason: 'unsupported' }]);
    expect(gate.ends.at(-1)).toBe('u failed');
  });

  it.each([5, [5], [{ name: 'x' }]])('are gates; %o are none', async (gates) => {
    await expect(startTested({}, { gates } as unknown as Partial<ServerConfig>, [Tasks])).rejects.toThrow(/gates(\[0\])? must be a/);
  });
});
