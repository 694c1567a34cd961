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
      if (view === 'overview') await keepScreenshot(page, 'overview');
    }
    expect(complaints).toEqual([]);
  });
});
