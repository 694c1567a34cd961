/** The mirror that has the release itself, with its component `main`, or undefined. */
export function mirrorOf(codename: string, sources: { name: string; text: string }[]): string | undefined;
