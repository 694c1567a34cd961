import { resolve } from 'node:path';
import { fetchJars } from './fetch-jars.mjs';
import { findServer } from './find-result-servers.mjs';
import { findTlc, TLC_JARS } from './find-tlc.mjs';

const POM = resolve(import.meta.dirname, '../test/model/pom.xml');

/**
 * Fetches the model checker TLC from Maven Central, once, where there are Java and Maven to do it. Where it cannot be had,
 * the specifications are not checked, and the tests say so.
 *
 * @returns {Promise<boolean>} whether it is there
 */
export async function ensureTlc() {
  if (findTlc() !== undefined) return true;
  if (findServer('java') === undefined || findServer('mvn') === undefined) return false;
  console.error('Fetching TLC, which checks the specifications ...');
  await fetchJars(POM, TLC_JARS);
  return findTlc() !== undefined;
}
