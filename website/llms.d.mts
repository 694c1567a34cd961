export function llmsTexts(folder: string, about: string): { list: string; full: string };
export function titleOf(text: string): string;
export function firstSentence(text: string): string;
