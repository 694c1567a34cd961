import { afterAll, beforeAll, describe } from 'vitest';
import { startRabbitMq, type RabbitMqNode } from '../../support/rabbitmq.js';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';

/**
 * Runs the tests once on a private RabbitMQ and once on a folder that the processes share: side by side, since most of what they
 * do is to wait, and on each one after the other. `killServer`: RabbitMQ's, which is started again. What a test has to undo, it says to `onTestFinished` of `test-end.ts`.
 */
export function onBothBrokers(title: string, tests: (brokerUrl: () => string, kind: 'rabbitmq' | 'embedded', killServer?: () => Promise<void>) => void): void {
  describe.concurrent(`${title}, on RabbitMQ`, () => {
    let node: RabbitMqNode;
    // Larger than what the dispatcher takes: its own limit is what the tests are about.
    beforeAll(async () => { node = await startRabbitMq({ config: 'max_message_size = 134217728' }); });
    afterAll(() => node.stop());
    describe.sequential('one after the other', () => tests(() => node.url, 'rabbitmq', async () => {
      await node.kill9();
      await node.start();
    }));
  });
  describe.concurrent(`${title}, on an embedded folder`, () => {
    let folder: string;
    beforeAll(() => { folder = temporaryFolder('end-to-end'); });
    afterAll(() => removeFolder(folder));
    describe.sequential('one after the other', () => tests(() => `embedded:${folder}`, 'embedded'));
  });
}
