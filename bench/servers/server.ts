/** A server that runs for the benchmark alone, on a port and in a folder of its own. */
export interface Server {
  readonly url: string;
  /** Takes away what a run left: its queues, or everything. */
  clear(prefix: string): Promise<void>;
  stop(): Promise<void>;
}
