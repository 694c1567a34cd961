import { startRabbitMq, type RabbitMqNode } from '../support/rabbitmq.js';
import { describeResultBackend } from './result-backend-contract.js';

let node: RabbitMqNode;

describeResultBackend('amqp:', {
  start: async () => (node = await startRabbitMq()).url,
  stop: () => node.stop(),
  options: { exchange: 'contract' },
  server: { kill9: () => node.kill9(), start: () => node.start(), freeze: () => node.freeze(), thaw: () => node.thaw() },
  keepsAfterKill: true,
});
