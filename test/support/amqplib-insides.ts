import { dirname, join } from 'node:path';

/** A file of amqplib that its API does not show, to hold what we do in its place against what it does itself. */
export function amqplibInside<T>(file: string): T {
  return require(join(dirname(require.resolve('amqplib')), 'lib', file)) as T;
}
