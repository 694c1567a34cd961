import { inspect } from 'node:util';
import { type CanActivate, Injectable, UseGuards } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { currentTask, type RunMiddleware, Task, TaskContext } from '../../../../lib/index.js';
import { startApp } from '../../../support/nest-app.js';
import { Arrivals } from '../../../support/wait.js';

/** All that the interface has, and what every class has. */
const PUBLIC = ['uuid', 'name', 'attempt', 'redelivered', 'headers', 'queue', 'worker', 'signal', 'logger', 'state', 'progress', 'step', 'sleep', 'waitFor'];
const OF_EVERY_CLASS = ['constructor', inspect.custom];

const seen = new Arrivals<[by: string, context: unknown]>();

@Injectable()
class Guard implements CanActivate {
  canActivate(): boolean {
    seen.add(['guard', currentTask()]);
    return true;
  }
}

const middleware: RunMiddleware = (context, next) => {
  seen.add(['middleware', context]);
  return next();
};

@Injectable()
class Tasks {
  @Task('look') @UseGuards(Guard) look(@TaskContext() context: TaskContext): void {
    seen.add(['parameter', context]);
    seen.add(['currentTask', currentTask()]);
  }
}

/** Whatever can be had of it, inherited or not. */
function keysOf(object: object): PropertyKey[] {
  const keys: PropertyKey[] = [];
  for (let each: object | null = object; each !== null && each !== Object.prototype; each = Object.getPrototypeOf(each) as object | null) keys.push(...Reflect.ownKeys(each));
  return keys;
}

describe('what user code gets of a task that runs', () => {
  it('is what the interface says, and nothing of the worker', async () => {
    const { service } = await startApp({ providers: [Tasks, Guard] }, { middleware: { run: [middleware] } });
    const { uuid } = await service.publish('look');
    const all = new Map(await seen.count(4));
    expect([...all.keys()].sort()).toEqual(['currentTask', 'guard', 'middleware', 'parameter']);
    for (const [by, context] of all) {
      const allowed: PropertyKey[] = [...PUBLIC, ...OF_EVERY_CLASS];
      expect(keysOf(context as object).filter((key) => !allowed.includes(key)), by).toEqual([]);
      expect((context as TaskContext).uuid).toBe(uuid);
      expect(inspect(context)).toContain(uuid);
    }
    // State and signal are of the run, whoever asks.
    expect(new Set(all.values()).size).toBe(1);
  });
});
