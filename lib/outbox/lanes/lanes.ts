/** How a process has a lane for itself while it sends what is in it. */
export interface Lanes {
  /** Those in which something waits that may be sent now. @throws what the database says */
  withWork(): Promise<unknown[]>;
  /** Sends some of what is in a lane, where no other process has it. Returns how many. @throws what the database says */
  send(lane: unknown): Promise<number>;
}
