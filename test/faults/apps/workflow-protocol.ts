/** How a test and its `workflow-app.ts` talk: one JSON object a line, each way. */

export type WorkflowCommand =
  /** Publishes so many chords, numbered from 0, so many at a time. */
  | { do: 'chords'; count: number; members: number; window: number; pauseMs: number }
  | { do: 'chain'; steps: number };

export interface Started {
  kind: 'member' | 'callback' | 'step';
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
  | Started;
