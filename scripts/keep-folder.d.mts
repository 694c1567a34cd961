export function keepFolder(unfinished: string, kept: string): void;
