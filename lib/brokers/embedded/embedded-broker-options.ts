import type { Clock } from '../store/clock.js';
import type { MessageStore } from './message-store.js';

/** How the embedded broker keeps its messages. */
export interface EmbeddedBrokerOptions {
  /**
   * A folder: messages are on disk, survive `kill -9` and a reboot, and every process of this
   * machine that names the folder shares them. It is made when missing. `undefined`: in memory,
   * gone with the process.
   */
  location: string | undefined;
  /**
   * Only in memory: brokers of one process that give the same name share their queues. Default:
   * shared with nobody.
   */
  name?: string;
  /** The direct exchange to which binding keys belong. Brokers with different exchanges may share a folder. */
  exchange: string;
  /**
   * In memory: how many bytes all messages together may take, delayed and unsettled ones included,
   * some 256 bytes for each beside its body. On disk: how many bytes may wait to be written. Beyond
   * it a publish rejects with PublishBufferFullError. Default: 512 MiB. The first of several brokers
   * on one store decides.
   */
  maxWaitingBytes?: number;
  /** On disk: how long a publish may wait to be written, in milliseconds, before it rejects. Default: 30,000. */
  publishTimeoutMs?: number;
  /** Default: the system's. */
  clock?: Clock;
  /** In memory: what stands between the messages and whoever uses them. The first of several brokers on one store decides. Default: nothing. */
  wrapStore?: (store: MessageStore) => MessageStore;
}

export const DEFAULT_MAX_WAITING_BYTES = 512 * 1024 * 1024;
export const DEFAULT_PUBLISH_TIMEOUT_MS = 30_000;
