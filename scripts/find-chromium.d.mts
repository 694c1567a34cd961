/** The path of a Chromium of this machine, or undefined. */
export function findChromium(env?: NodeJS.ProcessEnv): string | undefined;
/** What to do where there is none, for people. */
export const HOW_TO_GET_CHROMIUM: string;
