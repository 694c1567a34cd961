import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Task } from '../../../lib/index.js';
import { startTested } from './tested-app.js';

@Injectable()
class BookTasks {
  readonly ran: string[] = [];
  fails = 2;

  @Task('book', { order: { by: '0' }, retry: { attempts: 3, delaySeconds: 3_600, backoff: 'fixed', jitter: 0 } })
  book(account: string, value: number): void {
    this.ran.push(`${account} ${value}`);
    if (account === 'a' && value === 1 && this.fails-- > 0) throw new Error('not yet');
  }
}

describe('ordered tasks, while a test moves the time', () => {
  it('wait for one that is tried again, and for no other key', async () => {
    const { testing, dispatcher, module } = await startTested({}, {}, [BookTasks]);
    const tasks = module.get(BookTasks);
    await dispatcher.client(BookTasks).book('a', 1);
    await dispatcher.publish('book', 'a', 2);
    await dispatcher.publish('book', 'b', 1);
    await dispatcher.publish('book', { args: ['a', 9], order: false });
    await testing.drain();
    expect([...tasks.ran].sort()).toEqual(['a 1', 'a 9', 'b 1']);
    await testing.clock.advance({ hours: 1, seconds: 10 });
    expect(tasks.ran.slice(3)).toEqual(['a 1']);
    await testing.clock.advance({ hours: 1, seconds: 10 });
    await testing.drain();
    expect(tasks.ran.slice(3)).toEqual(['a 1', 'a 1', 'a 2']);
  });
});
