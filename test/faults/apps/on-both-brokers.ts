import { afterAll, beforeAll, describe } from 'vitest';
import { startRabbitMq, type RabbitMqNode } from '../../support/rabbitmq.js';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';

/** Runs the tests once on a private RabbitMQ and once on a folder that the processes share. */
export function onBothBrokers(title: string, tests: (brokerUrl: () => string, kind: 'rabbitmq' | 'embedded') => void): void {
  describe(`${title}, on RabbitMQ`, () => {
    let node: RabbitMqNode;
    // Larger than what the dispatcher takes: its own limit is what the tests are about.
    beforeAll(async () => { node = await startRabbitMq({ config: 'max_message_size = 134217728' }); });
    afterAll(() => node.stop());
    tests(() => node.url, 'rabbitmq');
  });
  describe(`${title}, on an embedded folder`, () => {
    let folder: string;
    beforeAll(() => { folder = temporaryFolder('end-to-end'); });
    afterAll(() => removeFolder(folder));
    tests(() => `embedded:${folder}`, 'embedded');
  });
}
