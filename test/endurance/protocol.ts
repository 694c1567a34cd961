import type { PauseTarget, ServerConfig } from '../../lib/index.js';

/** How the run and its processes (`app.ts`) talk: one JSON object a line, each way. */

/** The environment variable with the configuration of a process, as JSON. */
export const CONFIG_VARIABLE = 'DISPATCHER_ENDURANCE_APP';
export const WORKER = 'worker';

/** More crashes than this while a task runs, and it is buried as their likely cause. Small, so that one charged wrongly shows soon. */
export const MAX_REDELIVERIES = 4;
/** Starts of a task that always fails. */
export const DOOMED_ATTEMPTS = 3;

/**
 * `short` and `long` take their time; `polite` too, and stops when it is asked to; `failing` fails so often as its
 * argument says, then succeeds; `doomed` always fails; `limited` shares few places with its kind; `deadly` kills its process.
 */
export const KINDS = ['short', 'long', 'polite', 'failing', 'doomed', 'limited', 'deadly'] as const;
export type Kind = (typeof KINDS)[number];

export type AppConfig = Omit<ServerConfig, 'logger' | 'tlsConfig'>;

export interface Offer { uuid: string; kind: Kind; amount: number }

export type Command =
  | { do: 'publish'; offers: Offer[] }
  /** Answered by `done` with the same number, once it has come about. */
  | { do: 'pause' | 'resume'; target: PauseTarget; number: number }
  | { do: 'limit'; limit: number };

export type Note =
  | { note: 'ready' }
  /** Whether it can speak to the server: its connections for tasks and for what processes remember together. */
  | { note: 'line'; up: boolean }
  /** It could not record something, and may have had to end before it could. */
  | { note: 'problem' }
  | { note: 'done'; number: number; error?: string }
  | { note: 'accepted' | 'rejected' | 'finished' | 'interrupted' | 'settled'; uuid: string }
  | { note: 'started' | 'threw'; uuid: string; attempt: number };
