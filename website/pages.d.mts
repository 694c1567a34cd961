export interface Section { title: string; pages: string[] }
export const SECTIONS: (Section & { folder?: string })[];
export function sectionsOf(folder: string): Section[];
export function missingPages(folder: string): string[];
