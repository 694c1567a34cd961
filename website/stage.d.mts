export function stage(root: string, folder: string): void;
export function sitePage(text: string, from: string, to: string): string;
