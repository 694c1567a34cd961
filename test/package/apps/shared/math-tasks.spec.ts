import { Test } from '@nestjs/testing';
import { DispatcherService } from 'nestjs-dispatcher';
import { dispatcherMatchers, DispatcherTesting, taskOf } from 'nestjs-dispatcher/testing';
import { AppModule } from './app.module.js';
import { MathTasks } from './math-tasks.js';

expect.extend(dispatcherMatchers);

describe('MathTasks', () => {
  it('adds after three days, at once', async () => {
    const testing = new DispatcherTesting();
    const module = await testing.override(Test.createTestingModule({ imports: [AppModule] })).compile();
    await module.init();
    await module.get(DispatcherService).client(MathTasks, { delaySeconds: 3 * 86_400 }).add(2, 3);
    expect(testing).toHavePublished(taskOf(MathTasks, 'add'), [2, 3], { delaySeconds: 259_200, queue: 'maths' });
    expect(testing).not.toHavePublished('add', [3, 2]);
    expect(testing.outcomes).toEqual([]);
    await testing.clock.advance({ days: 3, milliseconds: 1 });
    expect(testing.outcomes).toMatchObject([{ name: 'add', state: 'succeeded' }]);
    await module.close();
  });
});
