import type { BrokerState, BrokerStatus } from '../broker.js';
import type { Link, LinkStatus } from './link.js';

/** From best to worst: the broker as a whole is as well as its worst connection. */
const ORDER: readonly (LinkStatus | 'blocked')[] = ['closed', 'ready', 'blocked', 'idle', 'connecting', 'lost', 'broken'];

export type LinkView = Pick<Link<unknown>, 'status' | 'cause' | 'blockedReason'>;

export function worstStatus(links: readonly LinkView[]): { status: BrokerStatus; cause?: BrokerState['cause']; blockedReason?: string } {
  let worst: LinkView | undefined;
  for (const link of links) {
    if (worst === undefined || rank(link) > rank(worst)) worst = link;
  }
  if (worst === undefined) return { status: 'idle' };
  const status = effective(worst);
  return {
    status,
    ...(worst.cause === undefined ? {} : { cause: worst.cause }),
    ...(status === 'blocked' && worst.blockedReason !== undefined ? { blockedReason: worst.blockedReason } : {}),
  };
}

function effective(link: LinkView): LinkStatus | 'blocked' {
  return link.status === 'ready' && link.blockedReason !== undefined ? 'blocked' : link.status;
}

/** Of two in the same state the one that an operator must see to is the worse. */
function rank(link: LinkView): number {
  return ORDER.indexOf(effective(link)) + (link.cause?.retryable === false ? 0.5 : 0);
}
