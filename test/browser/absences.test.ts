import { expect, it, onTestFinished } from 'vitest';
import { findRabbitMq } from '../../scripts/find-rabbitmq.mjs';
import { BrokerUnavailableError } from '../../lib/index.js';
import { describeInBrowser, openPage } from '../support/browser.js';
import { startDashboard } from '../support/dashboard-app.js';
import { LoopbackBroker } from '../support/loopback-broker.js';
import { startRabbitMq } from '../support/rabbitmq.js';
import { queue, ScriptedInspection } from '../support/scripted-inspection.js';

describeInBrowser('an open page', () => {
  it('says that the broker is away, and goes on by itself when it is back', async () => {
    const [broker, inspection] = [new LoopbackBroker(), new ScriptedInspection()];
    const { url } = await startDashboard({ insecure: true }, { assets: 'built', broker, inspection });
    const { page } = await openPage(`${url}/dispatcher/#/queues`);
    await page.getByText('queue_1').first().waitFor();
    broker.become('lost');
    inspection.failure = new BrokerUnavailableError('The broker is away.');
    await page.getByText(/The broker is lost/).waitFor();
    await page.getByText('queue_1').first().waitFor();
    broker.become('ready');
    inspection.failure = undefined;
    inspection.queueList = [queue({ name: 'queue_after' })];
    await page.getByText('queue_after').first().waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it.skipIf(findRabbitMq() === undefined)('sees a RabbitMQ die and come back, and goes on with its numbers', async () => {
    const node = await startRabbitMq();
    onTestFinished(() => node.stop());
    const config = { broker: node.url, workers: [{ name: 'w', queue: 'orders', bindingKeys: ['orders'] }] };
    const { url, service } = await startDashboard({ insecure: true }, { assets: 'built', config });
    const { page } = await openPage(`${url}/dispatcher/#/queues`);
    await page.getByRole('row', { name: /orders/ }).waitFor();
    await node.kill9();
    await page.getByText(/The broker is (lost|connecting)/).waitFor();
    await page.getByRole('row', { name: /orders/ }).waitFor();
    await node.start();
    await page.getByRole('alert').waitFor({ state: 'detached', timeout: 60_000 });
    await service.pause({ queue: 'orders' }, { by: 'ada', reason: 'after the outage' });
    await page.getByText('after the outage').waitFor();
  }, 180_000);

  it('says that the server is gone, and shows what was there before', async () => {
    const { url, app } = await startDashboard({ insecure: true }, { assets: 'built', inspection: new ScriptedInspection() });
    const { page } = await openPage(`${url}/dispatcher/#/queues`);
    await page.getByText('queue_1').first().waitFor();
    await app.close();
    await page.getByText(/The server does not answer/).waitFor();
    await page.getByText('queue_1').first().waitFor();
  });
});
