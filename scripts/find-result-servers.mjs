import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

const LAST = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin'];

const DEBIAN_POSTGRES = '/usr/lib/postgresql';

/** Where jars of the stand-in for MongoDB are kept between runs. */
export const MONGO_JARS = resolve(import.meta.dirname, '../node_modules/.cache/nestjs-dispatcher/mongo-java-server');

/** Names another Redis or Valkey for the tests than the installed one. */
const REDIS_SERVER = 'DISPATCHER_TEST_REDIS_SERVER';

/** The path of a program (`redis-server`, `memcached`, `mongod`, `javac`), or undefined where it is not installed. */
export function findServer(program, env = process.env) {
  const named = program === 'redis-server' ? env[REDIS_SERVER] : undefined;
  if (named) {
    if (!isExecutable(named)) throw new Error(`${REDIS_SERVER} names ${named}, which cannot be run. Name a redis-server or valkey-server.`);
    return named;
  }
  const folders = [...(env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''), ...LAST];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

/** The path of a program of PostgreSQL; Debian keeps them in folders by version, of which the newest is taken. */
export function findPostgres(program) {
  const versions = namesIn(DEBIAN_POSTGRES).filter((name) => isExecutable(join(DEBIAN_POSTGRES, name, 'bin', program))).sort((a, b) => Number(b) - Number(a));
  return versions.length > 0 ? join(DEBIAN_POSTGRES, versions[0], 'bin', program) : findServer(program);
}

/**
 * What can play MongoDB here: a real `mongod`, or mongo-java-server (a server of MongoDB's wire
 * protocol in Java that keeps its data in a file), or undefined.
 */
export function findMongo() {
  const mongod = findServer('mongod');
  if (mongod !== undefined) return { kind: 'mongod', program: mongod };
  const java = findServer('java');
  const jars = jarsIn(MONGO_JARS);
  // It is compiled when it starts.
  return java === undefined || findServer('javac') === undefined || jars.length === 0 ? undefined : { kind: 'mongo-java-server', program: java, jars };
}

function jarsIn(folder) {
  return namesIn(folder).filter((name) => name.endsWith('.jar')).map((name) => join(folder, name));
}

function namesIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
