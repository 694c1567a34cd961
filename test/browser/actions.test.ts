import { expect, it } from 'vitest';
import { currentTask, DispatcherService, type Inspection, type TaskInput } from '../../lib/index.js';
import { describeInBrowser, openPage } from '../support/browser.js';
import { startDashboard, type DashboardApp } from '../support/dashboard-app.js';
import { queue, ScriptedInspection } from '../support/scripted-inspection.js';
import { emission, eventually } from '../support/wait.js';

const BIG = 9007199254740993n;

interface Started extends DashboardApp {
  /** Arguments that handlers got. */
  readonly got: unknown[];
}

async function start(options: { readOnly?: boolean } = {}): Promise<Started> {
  const got: unknown[] = [];
  const started = await startDashboard({ insecure: true, ...options }, { assets: 'built', inspection: new ScriptedInspection() });
  const worker = await started.service.createWorker({ name: 'w', queue: 'queue_1', bindingKeys: ['fails'] }, {
    check: { function: (value) => { if (value === BIG) throw new Error('this very number'); got.push(value); } },
    fail: { function: (value) => { throw new Error(`broken ${String(value)}`); } },
  });
  await worker.start();
  return { ...started, got };
}

async function bury(service: DispatcherService, tasks: readonly { name: string; value: bigint }[]): Promise<void> {
  const before = await deadOf(service);
  await service.publishMany(tasks.map(({ name, value }) => ({ name, routingKey: 'fails', args: [{ type: 'int64' as const, value }] })));
  await eventually(() => deadOf(service), (dead) => dead === before + tasks.length, 'the dead letters', { limitMs: 120_000 });
}

async function deadOf(service: DispatcherService): Promise<number> {
  return await service.depth('queue_1.dead') ?? 0;
}

/** By the dispatcher's own inspection, whatever the script says of all else. */
function tellWhatIsDone(inspection: ScriptedInspection, service: DispatcherService): void {
  const real = Reflect.get(DispatcherService.prototype, 'inspect', service) as Inspection;
  inspection.audit = () => real.audit();
}

describeInBrowser('what is done in the dashboard', () => {
  it('finds a dead letter, reads its error, edits it and runs it anew, with every digit of its numbers', async () => {
    const { url, service, got } = await start();
    await bury(service, [{ name: 'check', value: BIG }]);
    const { page, complaints } = await openPage(`${url}/dispatcher/#/dead?queue=queue_1`);
    await page.getByText('this very number').waitFor();
    await page.getByRole('row', { name: /check/ }).getByRole('link').click();
    await page.getByText('Edit and replay').click();
    const editor = page.getByLabel('Arguments as JSON');
    expect(await editor.inputValue()).toContain('9007199254740993');
    await editor.fill((await editor.inputValue()).replace('9007199254740993', '9007199254740995'));
    await page.getByRole('button', { name: 'Replay with these arguments' }).click();
    await eventually(() => Promise.resolve(got), (values) => values.length === 1, 'the task to run');
    expect(got).toEqual([9007199254740995n]);
    await page.getByText('No dead letter fits.').waitFor();
    expect(complaints).toEqual([]);
  });

  it('tells a task what it waits for, and says where that came too late', async () => {
    const { url, service } = await start();
    const heard: unknown[] = [];
    const worker = await service.createWorker({ name: 'steps', queue: 'queue_2', bindingKeys: ['waits'] }, {
      wait: { function: async () => { heard.push(await currentTask()?.waitFor('approved')); } },
    });
    await worker.start();
    const suspended = emission(service.events(), ({ type }) => type === 'task.suspended', 'the task to wait');
    const { uuid } = await service.publish({ name: 'wait', routingKey: 'waits' });
    await suspended;
    const { page, complaints } = await openPage(`${url}/dispatcher/#/task?uuid=${uuid}`);
    const signal = async (value: string): Promise<void> => {
      await page.getByRole('button', { name: 'Signal' }).click();
      await page.getByLabel('Name of the signal').fill('approved');
      await page.getByLabel('Value, as JSON').fill(value);
      await page.getByRole('dialog').getByRole('button', { name: 'Signal' }).click();
    };
    await signal('{"by": 9007199254740993}');
    await page.getByText('delivered: the task goes on').waitFor();
    await eventually(() => heard.length, (count) => count === 1, 'the task to go on');
    expect(heard).toEqual([{ by: BIG }]);
    await signal('');
    await page.getByText('The task has ended.').waitFor();
    expect(complaints).toEqual([]);
  });

  it('frees a unique key, and writes down who did and why', async () => {
    const inspection = new ScriptedInspection();
    const { url, service } = await startDashboard({ insecure: true }, { assets: 'built', inspection });
    tellWhatIsDone(inspection, service);
    const task: TaskInput = { name: 'report', args: [], delaySeconds: 600, unique: { scope: 'untilFinished', key: 'ann' } };
    const { uuid } = await service.publish(task);
    const key = 'unique:tasks:report:key:ann';
    inspection.lockList = [{ kind: 'unique', name: 'report', key, most: 1, state: 'held', until: Date.now() + 60_000, holders: [{ uuid }] }];
    const { page } = await openPage(`${url}/dispatcher/#/controls`);
    await page.getByRole('button', { name: `Free ${key}` }).click();
    await page.getByRole('dialog').getByLabel(/^Reason/).fill('its queue is gone');
    await page.getByRole('dialog').getByRole('button', { name: 'Free' }).click();
    await page.getByText('Freed the unique key.').waitFor();
    expect((await service.publish(task)).unique).toEqual({ taken: true });
    await page.goto(`${url}/dispatcher/#/audit`);
    await page.getByText('its queue is gone').first().waitFor();
  });

  it('replays and discards all that a filter means, not the page alone, and counts first', async () => {
    const { url, service, got } = await start();
    await bury(service, [...Array.from({ length: 70 }, (_, index) => ({ name: 'fail', value: BigInt(index) })), { name: 'check', value: BIG }]);
    const { page } = await openPage(`${url}/dispatcher/#/dead?queue=queue_1&name=fail`);
    await page.getByRole('button', { name: 'Count what fits' }).click();
    await page.getByRole('button', { name: 'Discard 70' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByRole('button', { name: 'Discard 70' }).isDisabled()).toBe(true);
    await dialog.getByLabel(/^Type/).fill('queue_1');
    await dialog.getByRole('button', { name: 'Discard 70' }).click();
    await eventually(() => deadOf(service), (dead) => dead === 1, 'all of them to go');
    await page.goto(`${url}/dispatcher/#/dead?queue=queue_1&search=${BIG}`);
    await page.getByText('this very number').waitFor();
    await page.getByRole('button', { name: 'Count what fits' }).click();
    await page.getByRole('button', { name: 'Replay 1' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Replay 1' }).click();
    await page.getByText('Replayed 1 of 1.').waitFor();
    await eventually(() => service.deadLetters.list('queue_1'), ({ letters }) => letters[0]?.replays === 1, 'it to die again');
    expect(got).toEqual([]);
  });

  it('looks through ten thousand dead letters a page at a time, and counts them all', async () => {
    const { url, service } = await start();
    await bury(service, Array.from({ length: 10_000 }, (_, index) => ({ name: 'fail', value: BigInt(index) })));
    const { page } = await openPage(`${url}/dispatcher/#/dead?queue=queue_1`);
    await page.getByText('10,000 dead letters in queue_1.').waitFor();
    expect(await page.getByRole('row').count()).toBe(51);
    await page.getByRole('button', { name: 'Next page' }).click();
    await page.getByRole('button', { name: 'First page' }).waitFor();
    await page.getByRole('row').nth(50).waitFor();
    await page.getByLabel('Error contains').fill('broken 777');
    await page.getByLabel('Error contains').press('Enter');
    await page.getByRole('button', { name: 'Count what fits' }).click();
    await page.getByText('11 fit').waitFor();
  }, 240_000);

  it('pauses with a reason, sends, purges what is typed, resumes, and says who did all this', async () => {
    const inspection = new ScriptedInspection();
    const { url, service } = await startDashboard({ authenticate: () => ({ name: 'ada' }) }, { assets: 'built', inspection });
    tellWhatIsDone(inspection, service);
    inspection.contractTasks = [{
      name: 'ship', version: 1, description: 'Ships an order.', routingKey: 'key', queue: 'queue_1', moreArguments: false, options: {},
      arguments: [
        { name: 'order', required: true, types: ['json'], schema: { type: 'object', properties: { id: { type: 'integer', minimum: 7 }, note: { type: 'string' } }, required: ['id'] } },
        { name: 'country', required: false, types: ['string'], schema: { enum: ['DE', 'AT'] } },
      ],
    }];
    const { page } = await openPage(`${url}/dispatcher/#/queues`);
    await page.getByRole('button', { name: 'Pause queue_1' }).click();
    await page.getByLabel('Reason').fill('the database moves');
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
    await eventually(() => service.paused(), (pauses) => pauses.length === 1, 'the pause');
    expect(await service.paused()).toMatchObject([{ kind: 'queue', name: 'queue_1', by: 'ada', reason: 'the database moves' }]);
    await page.goto(`${url}/dispatcher/#/send?name=ship`);
    await page.getByText('Ships an order.').waitFor();
    expect(await page.getByLabel('order, as JSON').inputValue()).toBe('{"id":7}');
    expect(await page.getByLabel('country (may be left out)').inputValue()).toBe('DE');
    await page.getByLabel('Task', { exact: true }).fill('add');
    await page.goto(`${url}/dispatcher/#/send?name=add`);
    await page.reload();
    await page.getByRole('button', { name: 'Add an argument' }).click();
    await page.getByLabel('Type').selectOption('uint64');
    await page.getByLabel('Value, as JSON').fill('18446744073709551615');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText('Sent as').first().waitFor();
    expect(await service.depth('queue_1')).toBe(1);
    await page.goto(`${url}/dispatcher/#/queues`);
    await page.getByRole('button', { name: 'Purge queue_1' }).click();
    await page.getByRole('dialog').getByLabel(/^Type/).fill('queue_1');
    await page.getByRole('dialog').getByRole('button', { name: 'Purge' }).click();
    await page.getByText('Removed 1 waiting tasks from queue_1.').waitFor();
    expect(await service.depth('queue_1')).toBe(0);
    inspection.queueList = [queue({ pause: (await service.paused())[0]! })];
    await page.getByRole('button', { name: 'Resume queue_1' }).click();
    await eventually(() => service.paused(), (pauses) => pauses.length === 0, 'the end of the pause');
    await page.goto(`${url}/dispatcher/#/audit`);
    for (const action of ['pause', 'send', 'purge', 'resume']) await page.getByRole('cell', { name: action, exact: true }).waitFor();
    expect(await page.getByRole('cell', { name: /^ada/ }).count()).toBe(4);
  });

  it('is not offered to who may only look', async () => {
    const { url, service } = await start({ readOnly: true });
    await bury(service, [{ name: 'fail', value: 1n }]);
    const { page } = await openPage(`${url}/dispatcher/#/dead?queue=queue_1`);
    await page.getByText('broken 1').waitFor();
    expect(await page.getByRole('button', { name: /Replay|Discard|Count/ }).count()).toBe(0);
    await page.goto(`${url}/dispatcher/#/send`);
    await page.getByText('You may look, and not act.').waitFor();
  });
});
