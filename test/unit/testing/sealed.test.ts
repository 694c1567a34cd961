import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { chain, InvalidTaskError, StrictWireError, Task, task } from '../../../lib/index.js';
import { startTested } from './tested-app.js';

const KEYS = { keys: [{ id: 'k', secret: Buffer.alloc(32, 1) }] };

@Injectable()
class Tasks {
  readonly ran: unknown[] = [];

  @Task('plain') plain(value: string): void { this.ran.push(value); }
  @Task('secret', { encrypt: true, compress: 'br' }) secret(value: string): void { this.ran.push(value); }
  @Task('chained') chained(value: string): void { this.ran.push(value); }
}

describe('what is sealed', () => {
  it('is run, told and remembered by the kit as what it is', async () => {
    const { testing, module, dispatcher } = await startTested({}, { encryption: { ...KEYS, tasks: ['secret'], required: true }, signing: { ...KEYS, required: true } }, [Tasks]);
    await dispatcher.publish('secret', 'x'.repeat(2_000));
    await dispatcher.publish('plain', 'y');
    await testing.drain();
    expect(module.get(Tasks).ran).toEqual(['x'.repeat(2_000), 'y']);
    expect(testing.published('secret')).toMatchObject([{ args: ['x'.repeat(2_000)] }]);
  });

  it('is sealed by workflows and schedules too', async () => {
    const { testing, module, dispatcher } = await startTested({}, { encryption: { ...KEYS, required: true } }, [Tasks]);
    await dispatcher.publish(chain(task('plain', 'a'), task('chained', 'b')));
    await dispatcher.schedules.add({ name: 's', cron: '@hourly', task: { name: 'plain', args: [{ type: 'string', value: 'tick' }] } });
    await testing.clock.advance({ hours: 1 });
    await testing.drain();
    expect(module.get(Tasks).ran).toEqual(['a', null, 'tick']);
  });

  it('does not go where Go reads, and is not compressed there', async () => {
    const { dispatcher } = await startTested({}, { wire: 'gofort-strict', compression: { minBytes: 0 }, encryption: { ...KEYS, tasks: ['secret'] } }, [Tasks]);
    await expect(dispatcher.publish('secret', 'x')).rejects.toBeInstanceOf(StrictWireError);
    await expect(dispatcher.publish('plain', { args: ['x'], compress: true })).rejects.toBeInstanceOf(StrictWireError);
    await dispatcher.publish('plain', 'x'.repeat(3_000));
  });

  it.each([{ encrypt: true }, { compress: 'lz4' }, { compress: 5 }, { encrypt: 'yes' }])('is refused where it cannot be: %j', async (options) => {
    const { dispatcher } = await startTested({}, {}, [Tasks]);
    await expect(dispatcher.publish({ name: 'plain', ...options } as never)).rejects.toBeInstanceOf(InvalidTaskError);
  });
});
