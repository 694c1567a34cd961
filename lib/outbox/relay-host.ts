import type { KeptTask } from '../index.js';

/** What the relay needs of its application. */
export interface RelayHost {
  /** The broker takes tasks now. */
  readonly isReady: boolean;
  /** @throws what `publish` throws */
  send(task: KeptTask): Promise<void>;
  problem(message: string, error: unknown): void;
  recovered(message: string): void;
}
