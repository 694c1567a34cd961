export function knownDurations(root: string): Readonly<Record<string, number>>;
export function longestFirst<T>(files: readonly T[], pathOf: (file: T) => string, durations: Readonly<Record<string, number>>): T[];
export function recordDurations(root: string, durations: Readonly<Record<string, number>>): void;
