import { findServer } from './find-result-servers.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The path of a Chromium of this machine, or undefined. */
export function findChromium(env = process.env) {
  return NAMES.map((name) => findServer(name, env)).find((path) => path !== undefined);
}

/** What to do where there is none, for people. */
export const HOW_TO_GET_CHROMIUM = 'Install Chromium (Debian: apt-get install chromium).';
