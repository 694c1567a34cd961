import { Injectable } from '@nestjs/common';
import { beforeEach, describe, expect, it } from 'vitest';
import { StrictWireError, Task, type ServerConfig, type TaskArgument } from '../../lib/index.js';
import { useGoService } from '../support/go-service.js';
import { startOn } from '../support/nest-on-broker.js';
import type { Child } from '../support/processes.js';
import { eventually } from '../support/wait.js';

/** Each of them ends the process of a worker of the real library. */
const DEADLY: [string, { name: string; args: TaskArgument[] }][] = [
  ['a list', { name: 'counted', args: [{ type: '[]int', value: [1] }] }],
  ['json', { name: 'counted', args: [{ type: 'json', value: { a: 1 } }] }],
];

@Injectable()
class Tasks {
  @Task('ours') ours(): void { return; }
}

describe('a worker of gofort/dispatcher', () => {
  const go = useGoService('gofort');
  let config: ServerConfig;
  beforeEach(() => {
    const { exchange, queue, key } = go.names;
    config = { broker: go.url, exchange, defaultRoutingKey: key, initQueues: [{ name: queue, bindingKeys: [key], type: 'server-default' }] };
  });

  async function startWorker(): Promise<Child> {
    const worker = go.start('work');
    await worker.line(/"working"/);
    return worker;
  }

  it.each(DEADLY)('dies of %s, and again as long as the task lives', async (_, task) => {
    const { service } = await startOn(config, { providers: [Tasks] });
    const first = await startWorker();
    await service.publish(task);
    expect((await first.exited()).code).toBe(2);
    expect(first.stderr).toMatch(/panic: .*nil pointer/);
    // It was not acknowledged: the next one gets it, too.
    const second = go.start('work');
    expect((await second.exited()).code).toBe(2);
    expect(await eventually(async () => await service.purge(go.names.queue), (removed) => removed === 1, 'the task that is still there')).toBe(1);
  });

  it('dies of a panic of a function with a timeout', async () => {
    const { service } = await startOn(config, { providers: [Tasks] });
    const worker = await startWorker();
    // It takes one argument more: to call it without is a panic.
    await service.publish({ name: 'overruns', args: [] });
    expect((await worker.exited()).code).toBe(2);
    expect(worker.stderr).toMatch(/panic: reflect: Call with too few input arguments/);
  });

  it('gets nothing of the kind from a strict queue, and lives', async () => {
    const { exchange, queue, key } = go.names;
    const { service } = await startOn({ ...config, exchange, initQueues: [{ name: queue, bindingKeys: [key], wire: 'gofort-strict', type: 'server-default' }] }, { providers: [Tasks] });
    const worker = await startWorker();
    for (const [, task] of DEADLY) await expect(service.publish(task)).rejects.toBeInstanceOf(StrictWireError);
    await expect(service.publish({ name: 'counted', args: [{ type: 'int64', value: 2n ** 53n + 1n }] })).rejects.toBeInstanceOf(StrictWireError);
    await service.publish({ name: 'with_uuid', args: [{ type: 'string', value: 'after them' }] });
    await worker.line(/after them/);
  });
});
