import { expect, it } from 'vitest';
import { currentTask, type DispatcherService } from '../../lib/index.js';
import { axeProblems, describeInBrowser, openPage } from '../support/browser.js';
import { startDashboard } from '../support/dashboard-app.js';
import { ownQueue } from '../support/nest-on-broker.js';
import { sharedRabbitMqUrl } from '../support/shared-rabbitmq.js';
import { eventually } from '../support/wait.js';

interface Stage {
  readonly url: string;
  readonly service: DispatcherService;
  readonly queue: string;
  readonly ran: unknown[];
  mend(): void;
}

/** On RabbitMQ, with a worker that fails until it is mended. */
async function start(): Promise<Stage> {
  const broker = sharedRabbitMqUrl();
  const { exchange, queue } = ownQueue(broker, 'browser-bulk');
  const { url, service } = await startDashboard({ authenticate: () => ({ name: 'ada' }) }, { assets: 'built', config: { broker, exchange, defaultRoutingKey: 'q', workers: [] } });
  const ran: unknown[] = [];
  let isBroken = true;
  const work = (name: string) => ({ function: (value: unknown) => {
    if (isBroken) throw new Error(`${name} ${String(value)} is refused`);
    ran.push(`${name} ${String(value)}`);
  } });
  const worker = await service.createWorker({ name: 'w', queue, bindingKeys: ['q'], limit: 5 }, {
    charge: work('charge'), refund: work('refund'),
    slow: { function: () => new Promise((_, reject) => currentTask()?.signal.addEventListener('abort', () => reject(new Error('stopped')))) },
  });
  await worker.start();
  return { url, service, queue, ran, mend: () => { isBroken = false; } };
}

describeInBrowser('what is done to many in the dashboard, on RabbitMQ', () => {
  it('notes, retries and discards failures of one kind, once they were counted, and says who did', async () => {
    const { url, service, queue, ran, mend } = await start();
    for (const name of ['charge', 'refund']) for (const value of [1, 2, 3]) await service.publish({ name, args: [{ type: 'int', value }] });
    await eventually(() => service.deadLetters.list(queue), ({ total }) => total === 6, 'the dead letters');
    mend();
    const { page, complaints } = await openPage(`${url}/dispatcher/#/failures`);
    await page.getByRole('button', { name: 'Note on charge' }).click();
    await page.getByLabel('Note', { exact: true }).fill('known; mended on <b>Friday</b>');
    await page.getByRole('dialog').getByRole('button', { name: 'Note' }).click();
    await page.getByText('known; mended on <b>Friday</b>').waitFor();
    expect((await service.inspect.failures({ name: 'charge' }))[0]?.note).toMatchObject({ by: 'ada', text: 'known; mended on <b>Friday</b>' });
    expect(await axeProblems(page)).toEqual([]);
    await page.getByRole('button', { name: 'Count dead letters of charge' }).click();
    await page.getByRole('button', { name: 'Retry 3 of charge' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Retry 3' }).click();
    await page.getByText('Replayed 3 of 3.').waitFor();
    await eventually(async () => ran, (done) => done.length === 3, 'them to run');
    expect(ran).toEqual(['charge 1', 'charge 2', 'charge 3']);
    await page.getByRole('button', { name: 'Count dead letters of refund' }).click();
    await page.getByRole('button', { name: 'Discard 3 of refund' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByRole('button', { name: 'Discard 3' }).isDisabled()).toBe(true);
    await dialog.getByLabel(/^Type/).fill('refund');
    await dialog.getByRole('button', { name: 'Discard 3' }).click();
    await eventually(() => service.depth(`${queue}.dead`), (depth) => depth === 0, 'the dead letters to go');
    await page.goto(`${url}/dispatcher/#/audit`);
    for (const action of ['failure.annotate', 'dead-letters.replay', 'dead-letters.discard']) await page.getByRole('cell', { name: action, exact: true }).waitFor();
    expect(complaints).toEqual([]);
  });

  it('cancels all that run and that a filter means', async () => {
    const { url, service } = await start();
    for (let index = 0; index < 3; index++) await service.publish({ name: 'slow' });
    await eventually(() => service.inspect.running(), (runs) => runs.length === 3, 'them to run');
    const { page, complaints } = await openPage(`${url}/dispatcher/#/running?name=slo`);
    await page.getByRole('button', { name: 'Count what fits' }).click();
    await page.getByRole('button', { name: 'Cancel 3' }).click();
    await page.getByRole('dialog').getByLabel(/^Type/).fill('cancel');
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel 3' }).click();
    await page.getByText('Called off 3 of 3.').waitFor();
    await eventually(() => service.inspect.running(), (runs) => runs.length === 0, 'them to stop');
    expect(await service.inspect.audit({ action: 'cancel' })).toMatchObject([{ by: 'ada', what: { name: '*slo*', where: 'running' }, count: 3 }]);
    expect(complaints).toEqual([]);
  });
});
