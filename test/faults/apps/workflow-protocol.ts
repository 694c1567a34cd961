/** How a test and its `workflow-app.ts` talk: one JSON object a line, each way. */

export type WorkflowCommand =
  /** Publishes so many chords, numbered from 0, so many at a time. */
  | { do: 'chords'; count: number; members: number; window: number; pauseMs: number }
  | { do: 'chain'; steps: number }
  /** A group of tasks that run until they are asked to stop, and as many behind them; `number` names it. */
  | { do: 'hold'; number: number; members: number }
  | { do: 'cancel'; uuid: string; reason: string };

export interface Started {
  kind: 'member' | 'callback' | 'step' | 'held';
  uuid: string;
  redelivered: boolean;
  pid: number;
  /** Of the chord, or the value that a step was given. */
  number: number;
  index?: number;
  results?: unknown;
}

export type WorkflowNote =
  | { kind: 'ready' }
  | { kind: 'accepted'; uuid: string; number: number }
  | { kind: 'rejected'; number: number; text: string }
  | { kind: 'cancelled'; uuid: string; done: boolean }
  /** The handler of a member was asked to stop, and for what reason. */
  | { kind: 'asked'; number: number; text: string }
  | Started;
