/** The queues' names, which are their routing keys as well; as in `system/settings.ts`. */
export function queueNames(settings) {
  return Array.from({ length: settings.queues }, (_, i) => `${settings.prefix}.q${i + 1}`);
}

/** How a RabbitMQ queue is declared. */
export function queueOptions(settings) {
  return settings.type === 'quorum' ? { durable: true, arguments: { 'x-queue-type': 'quorum' } } : { durable: true };
}
