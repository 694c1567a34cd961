import { Header } from '../../../task/headers.js';
import { JsonMembers } from '../../../task/json-members.js';
import { addHeaders, takeHeaders } from './job-headers.js';
import type { Peer, Put } from './peer.js';

/** Of its broker's configuration, where nothing else is said. */
const DELAYED = 'delayed_tasks';
/** Of what the signature does not say itself. */
const NOT_CARRIED: readonly string[] = [Header.format, Header.originExchange, Header.originRoutingKey];

/** machinery v1 and v2: the queue is a list under its own name, and what is delayed waits in one set for all of them. */
export const machineryPeer: Peer = {
  format: 'machinery',
  hasDead: false,

  lines: ({ queue }) => [{ from: 'L', key: queue }],

  put({ body, properties: { headers = {} } }, { queue }, isDelayed) {
    const signature = readSignature(body);
    // Its workers publish what they try again to the list of this name.
    signature.set('RoutingKey', JSON.stringify(queue));
    addHeaders(signature, Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-dispatcher-'))), NOT_CARRIED);
    if (isDelayed) return { to: 'Z', key: DELAYED, unit: 'n', element: signature.toString() };
    return pushed(signature, queue);
  },

  read(element) {
    const signature = readSignature(element);
    const headers = { ...takeHeaders(signature), [Header.format]: 'machinery' };
    return { body: Buffer.from(signature.toString()), properties: { contentType: 'application/json', messageId: signature.value('UUID') as string, headers } };
  },

  timed: () => [{ key: DELAYED, unit: 'n', due: (element) => dueSignature(element) }],
};

/** @throws Error where it is none */
function readSignature(text: Buffer): JsonMembers {
  const signature = JsonMembers.parse(text.toString());
  if (typeof signature.value('Name') !== 'string' || typeof signature.value('UUID') !== 'string') throw new Error('it is no signature of machinery, which has "UUID", "Name" and "Args". Publish it with the format of the queue');
  return signature;
}

function pushed(signature: JsonMembers, queue: string): Put {
  return { to: 'R', key: queue, element: signature.toString() };
}

/** To whichever list it names; where it names none, its own workers know which. */
function dueSignature(element: Buffer): Put | undefined {
  try {
    const signature = readSignature(element);
    const queue = signature.value('RoutingKey');
    return typeof queue === 'string' && queue !== '' ? pushed(signature, queue) : undefined;
  } catch {
    return undefined;
  }
}
