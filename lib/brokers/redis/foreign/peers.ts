import { celery1Peer, celeryPeer } from './celery-peer.js';
import { gocraftPeer } from './gocraft-peer.js';
import { machineryPeer } from './machinery-peer.js';
import type { Peer } from './peer.js';
import { goWorkersPeer, sidekiqPeer } from './sidekiq-peer.js';

const PEERS: readonly Peer[] = [sidekiqPeer, goWorkersPeer, gocraftPeer, machineryPeer, celeryPeer, celery1Peer];

/** `undefined`: queues of this format are our own, whatever their tasks look like. */
export function peerOf(format: string): Peer | undefined {
  return PEERS.find((peer) => peer.format === format);
}
