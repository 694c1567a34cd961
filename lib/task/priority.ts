/** How urgent a task is among those of its queue. @publicApi */
export type Priority = 'low' | 'normal' | 'high';

/** The levels that have a queue of their own; `normal` is the queue itself. */
export type Level = Exclude<Priority, 'normal'>;

export const PRIORITIES: readonly Priority[] = ['low', 'normal', 'high'];
export const LEVELS: readonly Level[] = ['high', 'low'];
