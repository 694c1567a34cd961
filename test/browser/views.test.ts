import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { chain, group, type DispatcherService, task } from '../../lib/index.js';
import { axeProblems, describeInBrowser, expectNoSidewaysScrolling, openPage, PHONE } from '../support/browser.js';
import { startDashboard, type DashboardApp } from '../support/dashboard-app.js';
import { end, process, queue, run, ScriptedInspection } from '../support/scripted-inspection.js';
import { eventually } from '../support/wait.js';

const TASK = '0b0e8f5c-7d0f-4b55-9d9a-2f5f8c1f3a10';

/** A view by its address, and what has to be seen in it. */
const VIEWS: readonly (readonly [address: string, seen: readonly string[]])[] = [
  ['overview', ['Throughput', 'p95 1.7 s, p99 1 min 1 s', '10 ok, 2 failed', 'Dead letters', 'queue_1', 'host:1']],
  ['queues', ['queue_1', 'delayed for whatever queue', 'paused', 'the database moves']],
  ['running', ['add', '42 %', 'half way', 'slow']],
  ['waiting?queue=queue_1', ['5 wait in queue_1', 'mail.send', 'not a task', 'within 10 s', 'later']],
  ['waiting?queue=queue_2', ['It is a quorum queue', 'all the same']],
  ['retrying', ['charge', 'no connection to the bank']],
  ['failures', ['Error: no', 'at here', '2 dead in queue_1']],
  ['dead?queue=queue_1', ['fail', 'broken on purpose', 'failed']],
  ['recent', ['add', 'succeeded', 'Error: no']],
  [`task?uuid=${TASK}`, ['add', 'the limit of "add" is held by another']],
  ['processes', ['host:1', 'lost', 'worker_1', '1 of 3']],
  ['schedules', ['nightly', '0 3 * * *', 'no account', 'no queue takes it', 'running', 'by host:7']],
  ['controls', ['queue_2', 'ann', 'the database moves', 'unique:math:report:key:ann', 'perKey.global', '1 of 2', 'worker_1 in host:1']],
  ['workflows', ['resize → sum', '3 of 7', 'RangeError: no', 'running']],
  ['send', ['Routing key', 'Add an argument']],
  ['events', ['Each step of each task']],
  ['audit', ['Nobody has done anything']],
];

function scripted(): ScriptedInspection {
  const inspection = new ScriptedInspection();
  const since = new Date(1_700_000_000_000);
  inspection.queueList = [queue(), queue({ name: 'queue_2', dead: 0, consumers: 0, pause: { kind: 'queue', name: 'queue_2', by: 'ann', reason: 'the database moves', since } })];
  inspection.processList = [process(), process({ id: 'p2', pid: 2, status: 'lost', workers: [] })];
  inspection.runs = [run({ progress: { percent: 42, text: 'half way', at: 1 }, isSlow: true })];
  inspection.ends = [end(), end({ uuid: 'end-2', state: 'succeeded', error: undefined })];
  inspection.waitingTasks = {
    queue_1: [
      { queue: 'queue_1', position: 0, uuid: TASK, name: 'mail.send', attempt: 2, argsBytes: 30, args: [{ type: 'string', value: 'ada@example.com' }], expiresAt: 1_900_000_000_000 },
      { queue: 'queue_1', position: 1, attempt: 1, argsBytes: 3, problem: 'not a task' },
    ],
    queue_2: [{ queue: 'queue_2', position: 0, uuid: TASK, name: 'after all', attempt: 1, argsBytes: 3, args: [] }],
  };
  inspection.unseen = { queue_2: 'It is a quorum queue, and a quorum queue counts each look as a delivery.' };
  inspection.retries = [end({ name: 'charge', state: 'retrying', error: { name: 'Error', message: 'no connection to the bank' } })];
  inspection.groups = [{ id: 'g', name: 'add', error: { name: 'Error', message: 'no', frame: 'at here' }, count: 3, dead: 2, firstAt: 1_000, lastAt: 2_000, queues: ['queue_1'], example: end() }];
  inspection.scheduleList = [{
    name: 'nightly', source: 'runtime', cron: '0 3 * * *', missed: 'skip', task: 'add', nextTick: since, nextTicks: [since, new Date(since.getTime() + 1_000)],
    firings: [
      { tick: since, by: 'host:7', uuid: TASK, outcome: { state: 'running', at: since, attempt: 1 } },
      { tick: new Date(since.getTime() - 1_000), by: 'host:7', uuid: 'end-1', outcome: { state: 'failed', at: since, attempt: 2, error: 'TypeError: no account' } },
      { tick: new Date(since.getTime() - 2_000), by: 'host:7', error: 'no queue takes it' },
    ],
  }];
  inspection.workflowList = [
    { uuid: TASK, name: 'resize → sum', status: 'running', startedAt: 1_700_000_000_000, retries: 1, steps: { ended: 3, total: 7 } },
    { uuid: 'w2', name: 'export', status: 'failed', startedAt: 1_700_000_000_000, endedAt: 1_700_000_001_000, retries: 0, error: 'RangeError: no' },
  ];
  inspection.lockList = [
    { kind: 'unique', name: 'report', key: 'unique:math:report:key:ann', most: 1, state: 'held', until: 1_700_000_000_000, holders: [{ uuid: 'waits' }] },
    { kind: 'limit', name: 'sync', key: 'ann', limit: 'perKey.global', most: 2, holders: [{ uuid: 'run-1', process: 'p1', host: 'host', pid: 1, worker: 'worker_1', since: 1_000 }] },
  ];
  inspection.found = { uuid: TASK, name: 'add', where: { place: 'waiting', queue: 'queue_1', position: 3 }, waitsFor: ['the limit of "add" is held by another'], args: [{ type: 'int64', value: 9007199254740993n }], attempts: [], timeline: [] };
  return inspection;
}

/** With a dead letter, a pause and a workflow on the embedded broker. */
async function start(inspection = scripted()): Promise<DashboardApp> {
  const started = await startDashboard({ insecure: true }, { assets: 'built', inspection });
  const { service } = started;
  await service.createWorker({ name: 'w', queue: 'queue_1', bindingKeys: ['fails'] }, { fail: { function: () => { throw new Error('broken on purpose'); } }, add: { function: () => 1 } }).then((worker) => worker.start());
  await service.publish({ name: 'fail', routingKey: 'fails', args: [{ type: 'int64', value: 9007199254740993n }] });
  await eventually(() => deadOf(service), (dead) => dead === 1, 'the dead letter');
  await service.pause({ queue: 'queue_2' }, { by: 'ann', reason: 'the database moves' });
  return started;
}

async function deadOf(service: DispatcherService): Promise<number> {
  return (await service.deadLetters.list('queue_1')).total;
}

describeInBrowser('the views of the dashboard', () => {
  it('show what there is, as everybody can read it, by day and by night and on a phone', async () => {
    const { url, service } = await start();
    const workflow = await service.publish(chain(task('add', 1), group([task('add', 2), task('add', 3)])));
    const views = [...VIEWS, [`workflows?uuid=${workflow.uuid}`, ['add(', 'Steps']] as const];
    for (const look of [{}, { dark: true }, { size: PHONE }]) {
      const { page, complaints, hosts } = await openPage(`${url}/dispatcher`, look);
      for (const [address, seen] of views) {
        await page.goto(`${url}/dispatcher/#/${address}`);
        for (const text of seen) await page.getByText(text).filter({ visible: true }).first().waitFor();
        expect(await axeProblems(page), `${address} ${JSON.stringify(look)}`).toEqual([]);
        await expectNoSidewaysScrolling(page);
      }
      expect(complaints).toEqual([]);
      expect([...hosts]).toEqual([new URL(url).host]);
    }
  }, 240_000);

  it('keep every filter in the address, and show it again from there', async () => {
    const { url } = await start();
    const { page } = await openPage(`${url}/dispatcher/#/dead?queue=queue_1`);
    await page.getByLabel('Error contains').fill('purpose');
    await page.getByLabel('Error contains').press('Enter');
    await page.waitForURL(/error=purpose/);
    await page.getByLabel('Reason').selectOption('failed');
    await page.waitForURL(/reason=failed/);
    await page.getByText('broken on purpose').first().waitFor();
    await page.getByLabel('Task', { exact: true }).fill('other*');
    await page.getByLabel('Task', { exact: true }).press('Enter');
    await page.getByText('No dead letter fits.').waitFor();
    const { page: again } = await openPage(page.url());
    await again.getByText('No dead letter fits.').waitFor();
    expect(await again.getByLabel('Error contains').inputValue()).toBe('purpose');
  });

  it('go back in what has ended, as far as it is known', async () => {
    const inspection = scripted();
    inspection.ends = Array.from({ length: 100 }, (_, index) => end({ uuid: `end-${index}`, endedAt: 5_000 - index }));
    const { url } = await start(inspection);
    const { page } = await openPage(`${url}/dispatcher/#/recent`);
    await page.getByRole('button', { name: 'Earlier ones' }).click();
    await page.waitForURL(/until=4901/);
  });

  it('can be used by the keyboard alone', async () => {
    const { url } = await start();
    const { page } = await openPage(`${url}/dispatcher/`);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('title');
    await page.getByRole('link', { name: /^Queues/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Queues' }).waitFor();
    await page.getByRole('button', { name: 'Purge queue_1' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await eventually(() => page.evaluate('document.activeElement.textContent'), (text) => text === 'Purge queue_1', 'the focus to go back');
  });

  it('stand still while they are paused, and ask the system for nothing', async () => {
    const inspection = scripted();
    const { url } = await start(inspection);
    const { page } = await openPage(`${url}/dispatcher/#/queues`);
    await page.getByText('queue_1').first().waitFor();
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByText('Go on').waitFor();
    await pause(500);
    const asked = inspection.calls.length;
    await pause(2_500);
    expect(inspection.calls.length).toBe(asked);
    inspection.queueList = [queue({ name: 'queue_3' })];
    await page.getByText('Go on').click();
    await page.getByText('queue_3').first().waitFor();
  });

  it('look into a quorum queue only when somebody wants it all the same', async () => {
    const inspection = scripted();
    const { url } = await start(inspection);
    const { page } = await openPage(`${url}/dispatcher/#/waiting?queue=queue_2`);
    await page.getByText('It is a quorum queue').waitFor();
    expect(await page.getByText('after all').count()).toBe(0);
    await page.getByRole('button', { name: 'Look at the first 50' }).click();
    await page.getByText('after all').waitFor();
    expect(inspection.calls.filter((call) => call.startsWith('waiting'))).toEqual(['waiting queue_2 ', 'waiting queue_2 50']);
    await page.getByLabel('Queue').selectOption('queue_1');
    await page.getByText('mail.send').waitFor();
    expect(inspection.calls.at(-1)).not.toContain('50');
  });

  it('tell of events as they happen, in all processes, by the process too', async () => {
    const inspection = scripted();
    const { url } = await start(inspection);
    const { page, complaints } = await openPage(`${url}/dispatcher/#/events`, { size: PHONE });
    await eventually(() => inspection.eventStream.observed, (followed) => followed, 'the page to follow');
    const event = { type: 'task.retrying', level: 'warn', origin: 'task', at: Date.now(), process: 'p1', host: 'here', pid: 1, text: 'the first one', task: { uuid: TASK, name: 'add' } } as const;
    inspection.eventStream.next({ ...event, dropped: 7 });
    inspection.eventStream.next({ ...event, process: 'p2', host: 'there', pid: 2, text: 'the second one' });
    await page.getByText('the second one').waitFor();
    await page.getByText('7 were left out').waitFor();
    expect(await axeProblems(page)).toEqual([]);
    await expectNoSidewaysScrolling(page);
    await page.getByLabel('Process').selectOption('here:1');
    await page.getByText('the second one').waitFor({ state: 'hidden' });
    await page.getByText('the first one').waitFor();
    expect(complaints).toEqual([]);
  });
});
