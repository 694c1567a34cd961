import { resolve } from 'node:path';
import { fetchJars } from './fetch-jars.mjs';
import { findMongo, findPostgres, findServer, MONGO_JARS } from './find-result-servers.mjs';
import { installDebianPackages, mayInstall } from './install-debian-packages.mjs';

const POM = resolve(import.meta.dirname, '../test/support/mongodb/pom.xml');

/**
 * Installs the servers of the result backends where they are missing and this may be done: Redis and
 * memcached from Debian, Prometheus, to which metrics are shown, PostgreSQL and MariaDB, in which the outbox is; for MongoDB, which Debian has no server of, a Java program that speaks its
 * protocol. What cannot be had is not tested, and the tests say so.
 */
export async function ensureResultServers() {
  const wanted = [['redis-server', 'redis-server'], ['memcached', 'memcached'], ['prometheus', 'prometheus'], ['mariadbd', 'mariadb-server']]
    .filter(([program]) => findServer(program) === undefined).map(([, name]) => name);
  if (findPostgres('postgres') === undefined) wanted.push('postgresql');
  if (findMongo() === undefined) {
    if (findServer('javac') === undefined) wanted.push('default-jdk-headless');
    if (findServer('mvn') === undefined) wanted.push('maven');
  }
  if (wanted.length > 0 && mayInstall()) {
    console.error(`Installing ${wanted.join(', ')}, which this machine lacks and tests need ...`);
    await installDebianPackages(wanted);
  }
  if (findMongo() === undefined && findServer('javac') !== undefined && findServer('mvn') !== undefined) {
    console.error('Fetching mongo-java-server, which stands in for MongoDB ...');
    await fetchJars(POM, MONGO_JARS);
  }
}
