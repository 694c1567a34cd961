/** Where jars of the stand-in for MongoDB are kept between runs. */
export const MONGO_JARS: string;
/** The path of a program (`redis-server`, `memcached`, `mongod`, `javac`), or undefined where it is not installed. */
export function findServer(program: string, env?: NodeJS.ProcessEnv): string | undefined;
/** What can play MongoDB here, or undefined. */
export function findMongo():
  | { kind: 'mongod'; program: string }
  | { kind: 'mongo-java-server'; program: string; jars: string[] }
  | undefined;
export function findPostgres(program: string): string | undefined;
