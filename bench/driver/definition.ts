import type { Settings } from '../system/settings.js';

/** What a system can be asked to do; a scenario runs those that can all that it needs. */
export type Ability =
  /** Publishing: many in flight, each awaited, `Promise.all`, a batch call, so many a second. */
  | 'window'
  | 'one'
  | 'all'
  | 'bulk'
  | 'paced'
  | 'consume'
  | 'noop'
  | 'payload'
  | 'long-tasks'
  | 'quorum'
  | 'enhancers'
  /** Handlers that wait for something at each call. */
  | 'work'
  | 'telemetry'
  /** Running tasks later, running them again after a failure, giving the publisher what they return. */
  | 'delay'
  | 'retry'
  | 'results'
  | 'chord'
  /** Publisher and worker in one process, with no server, or with one whose data is on this disk. */
  | 'in-memory'
  | 'durable-local';

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

export interface SystemDefinition {
  readonly name: string;
  readonly title: string;
  /** `folder`: a temporary one; `none`: its own memory. */
  readonly server: 'rabbitmq' | 'redis' | 'folder' | 'none';
  /** The program and its arguments before the settings. */
  readonly command: Command;
  /** Builds or installs what it needs. @throws Error which says why it cannot be had here */
  readonly prepare?: () => void;
  readonly settings?: Partial<Settings>;
  readonly abilities: readonly Ability[];
  /** One of the few that a reader compares first. */
  readonly main?: boolean;
  /** A faster system whose tasks on the wire are the same, to fill queues with before consuming. */
  readonly filledBy?: string;
  /** What it does otherwise than the rest, for whoever reads the numbers. */
  readonly differs: string;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** `round-trip`: end to end, and timed until the publisher has all results. */
  readonly kind: 'publish' | 'consume' | 'end-to-end' | 'round-trip' | 'one-process';
  readonly needs: readonly Ability[];
  readonly settings: Partial<Settings>;
  /** Only these systems, where the question concerns only them. */
  readonly only?: readonly string[];
  /** Adds a column: microseconds of CPU per task more than this system needs. */
  readonly moreThan?: string;
  /** `--all` runs it once, and of the systems only the `main` ones. */
  readonly minor?: boolean;
  /** Number of worker processes. Default: 1. */
  readonly workers?: number;
  /** Tasks of a run, of those asked for. Default: as many. */
  readonly tasks?: (asked: number) => number;
  /** `paced` at this rate; `half`: half of what the system reaches end to end. */
  readonly pace?: number | 'half';
}
