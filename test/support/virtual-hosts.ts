import type { RabbitMqNode } from './rabbitmq.js';

/** A virtual host of the node whose queues are of this type where a declaration names none. Returns its URL. */
export async function addVirtualHost(node: RabbitMqNode, name: string, defaultQueueType: 'classic' | 'quorum'): Promise<string> {
  await node.rabbitmqctl('eval', `ok = rabbit_vhost:add(<<"${name}">>, #{default_queue_type => <<"${defaultQueueType}">>}, <<"test">>), `
    + `rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"${name}">>, <<".*">>, <<".*">>, <<".*">>, <<"test">>).`);
  return `${node.url}${name}`;
}

/** Applies to the queues of the virtual host whose names fit, until {@link clearPolicy}. */
export async function setPolicy(node: RabbitMqNode, virtualHost: string, pattern: string, definition: Record<string, number | string>): Promise<void> {
  await node.rabbitmqctl('set_policy', '-p', virtualHost, '--apply-to', 'queues', `test-${pattern}`, pattern, JSON.stringify(definition));
}

export async function clearPolicy(node: RabbitMqNode, virtualHost: string, pattern: string): Promise<void> {
  await node.rabbitmqctl('clear_policy', '-p', virtualHost, `test-${pattern}`);
}

/** A user who may do this in the virtual host `/`. In one call, because each takes a second or two. */
export async function addUser(node: RabbitMqNode, name: string, password: string, [configure, write, read]: readonly [configure: string, write: string, read: string]): Promise<void> {
  const [user, secret, ...rights] = [name, password, configure, write, read].map((text) => `<<${JSON.stringify(text)}>>`);
  await node.rabbitmqctl('eval', `ok = rabbit_auth_backend_internal:add_user(${user}, ${secret}, <<"test">>), `
    + `ok = rabbit_auth_backend_internal:set_permissions(${user}, <<"/">>, ${rights.join(', ')}, <<"test">>).`);
}
