import { expect, it } from 'vitest';
import { chain, currentTask, group, task, type DispatcherService } from '../../lib/index.js';
import { axeProblems, describeInBrowser, keepScreenshot, openPage } from '../support/browser.js';
import { startDashboard } from '../support/dashboard-app.js';
import { eventually } from '../support/wait.js';

/** What holds the long task until the test has seen it. */
class Latch {
  private open: () => void = () => undefined;
  readonly passed = new Promise<void>((resolve) => { this.open = resolve; });
  release(): void { this.open(); }
}

function step(name: string): ReturnType<typeof task> {
  return task(name).options({ routingKey: 'orders' });
}

async function startWorkers(service: DispatcherService, latch: Latch): Promise<void> {
  const worker = await service.createWorker({ name: 'orders', queue: 'orders', bindingKeys: ['orders'], limit: 5 }, {
    'orders.count': { function: async () => {
      currentTask()?.progress(0.42, 'half of the orders');
      await latch.passed;
    } },
    'orders.pay': { function: () => { throw new TypeError('no account'); } },
    'orders.ship': { function: () => { currentTask()?.logger.log('shipped'); } },
  });
  await worker.start();
}

describeInBrowser('the dashboard of a running system', () => {
  it('shows what runs, what failed and why, what ended, and where a task is, as it happens', async () => {
    const latch = new Latch();
    const { url, service } = await startDashboard({ authenticate: () => ({ name: 'ada' }) }, { assets: 'built' });
    await startWorkers(service, latch);
    const { page, complaints } = await openPage(`${url}/dispatcher/#/running`);
    const counting = await service.publish({ name: 'orders.count', routingKey: 'orders', args: [{ type: 'json', value: { customer: { id: 42 } } }] });
    await page.getByText('orders.count').first().waitFor();
    await page.getByText('half of the orders').waitFor();
    await page.getByText('42 %').waitFor();
    await keepScreenshot(page, 'running');
    await service.publishMany(Array.from({ length: 300 }, (_, order) => ({ name: 'orders.ship', routingKey: 'orders', args: [{ type: 'json' as const, value: { customer: { id: 1_000 + order } } }] })));
    for (let count = 0; count < 3; count++) await service.publish({ name: 'orders.pay', routingKey: 'orders', args: [{ type: 'int', value: count }] });
    const shipped = await service.publish({ name: 'orders.ship', routingKey: 'orders', args: [{ type: 'json', value: { customer: { id: 7 } } }] });
    await eventually(() => service.deadLetters.list('orders'), ({ total }) => total === 3, 'the dead letters');

    await page.goto(`${url}/dispatcher/#/failures`);
    await page.getByText('no account').first().waitFor();
    await page.getByText('3×').waitFor();
    await keepScreenshot(page, 'failures');
    await page.getByRole('link', { name: /dead in orders/ }).click();
    await page.getByText('3 dead letters in orders.').waitFor();
    await keepScreenshot(page, 'dead-letters');
    expect(await page.getByRole('button', { name: /^Replay/ }).count()).toBe(3);

    await page.goto(`${url}/dispatcher/#/recent?argPath=0.customer.id&argValue=7`);
    await page.getByText('orders.ship').first().waitFor();
    expect(await page.getByText('orders.pay').count()).toBe(0);
    await page.goto(`${url}/dispatcher/#/task?uuid=${shipped.uuid}`);
    await page.getByText('succeeded').first().waitFor();
    await page.goto(`${url}/dispatcher/#/task?uuid=${counting.uuid}`);
    await page.getByText('half of the orders').first().waitFor();
    latch.release();
    await page.getByText('succeeded').first().waitFor();

    const { uuid } = await service.publish(chain(step('orders.ship'), group([step('orders.ship'), step('orders.pay')]), step('orders.ship')));
    await page.goto(`${url}/dispatcher/#/workflows?uuid=${uuid}`);
    await page.getByText('failed').filter({ visible: true }).first().waitFor();
    await keepScreenshot(page, 'workflow');

    for (const [view, text] of [['overview', 'Throughput'], ['queues', 'orders'], ['processes', '0 of 5'], ['controls', 'Nothing is held']] as const) {
      await page.goto(`${url}/dispatcher/#/${view}`);
      await page.getByText(text).filter({ visible: true }).first().waitFor();
      expect(await axeProblems(page), view).toEqual([]);
      if (view === 'overview' || view === 'queues' || view === 'processes') await keepScreenshot(page, view);
    }
    expect(complaints).toEqual([]);
  });

  it('shows what waits, schedules and a task that was tried again, and limits workers in all processes until that is taken back', async () => {
    const { url, service } = await startDashboard({ authenticate: () => ({ name: 'ada' }) }, { assets: 'built' });
    await startWorkers(service, new Latch());
    await service.schedules.add({ name: 'nightly report', cron: '0 3 * * *', timeZone: 'Europe/Berlin', task: { name: 'orders.ship', routingKey: 'orders' } });
    await service.schedules.add({ name: 'every hour of one day', cron: '0 * 24 12 *', task: { name: 'orders.ship', routingKey: 'orders' } });
    await service.schedules.trigger('every hour of one day');
    const failing = await service.publish({ name: 'orders.pay', routingKey: 'orders', args: [{ type: 'json', value: { customer: { id: 42 }, token: 'hidden' } }], retry: { attempts: 3, delaySeconds: 0.1 } });
    await eventually(() => service.deadLetters.list('orders'), ({ total }) => total === 1, 'the dead letter');
    await service.pause({ queue: 'orders' }, { by: 'ada', reason: 'the bank is away' });
    await service.publishMany(Array.from({ length: 20 }, (_, order) => ({ name: 'orders.ship', routingKey: 'orders', args: [{ type: 'json' as const, value: { customer: { id: 1_000 + order } } }] })));
    await service.publish({ name: 'orders.ship', routingKey: 'orders', delaySeconds: 3_600 });

    const { page, complaints } = await openPage(`${url}/dispatcher/#/waiting?queue=orders`);
    await page.getByText('20 wait in orders.').waitFor();
    await page.getByText('within 1 h').first().waitFor();
    await keepScreenshot(page, 'waiting');
    await page.goto(`${url}/dispatcher/#/schedules`);
    await page.getByText('nightly report').first().waitFor();
    await keepScreenshot(page, 'schedules');
    await page.goto(`${url}/dispatcher/#/task?uuid=${failing.uuid}`);
    await page.getByText('no account').first().waitFor();
    await keepScreenshot(page, 'task');

    await page.goto(`${url}/dispatcher/#/controls`);
    await page.getByLabel('Workers of the name').fill('orders');
    await page.getByLabel('run at once').fill('2');
    await page.getByRole('button', { name: 'Limit orders' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('the bank is slow');
    await page.getByRole('dialog').getByRole('button', { name: 'Limit' }).click();
    await page.getByText('the bank is slow').first().waitFor();
    expect(await service.workerLimits()).toMatchObject([{ worker: 'orders', limit: 2, by: 'ada', reason: 'the bank is slow' }]);
    expect(service.worker('orders').limit).toBe(2);
    await keepScreenshot(page, 'controls');
    await page.getByRole('button', { name: 'Take back orders' }).click();
    await page.getByText('All workers run as many tasks at once as they are configured to.').waitFor();
    expect(service.worker('orders').limit).toBe(5);
    expect(complaints).toEqual([]);
  });
});
