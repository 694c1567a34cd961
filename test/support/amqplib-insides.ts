import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const fromHere = createRequire(join(process.cwd(), 'package.json'));

/** A file of amqplib that its API does not show, to hold what we do in its place against what it does itself. */
export function amqplibInside<T>(file: string): T {
  return fromHere(join(dirname(fromHere.resolve('amqplib')), 'lib', file)) as T;
}
