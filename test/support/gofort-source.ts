import { cpSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';

const MODULE = 'github.com/gofort/dispatcher';
/** gofort/dispatcher was written for this version; its own imports name none. */
const UUID = 'github.com/satori/go.uuid v1.2.0';
const LEFT_OUT = new Set(['.git', 'vendor', 'Godeps', 'examples', 'tests', 'legacy', 'src']);

/**
 * A checkout of gofort/dispatcher on this machine, named by `DISPATCHER_GOFORT_SOURCE`: for where its
 * module cannot be downloaded. Undefined where none is named.
 * @throws Error where there is none at the place that is named
 */
export function gofortCheckout(): string | undefined {
  const named = process.env['DISPATCHER_GOFORT_SOURCE'];
  if (named === undefined || named === '') return undefined;
  const checkout = resolve(named);
  if (existsSync(join(checkout, 'worker.go')) && existsSync(join(checkout, 'server.go'))) return checkout;
  throw new Error(`DISPATCHER_GOFORT_SOURCE is "${named}", where there is no server.go and worker.go. Name a checkout of ${MODULE}, or leave it out.`);
}

/**
 * Copies the checkout into `folder`, with the go.mod that it lacks, and returns the arguments that make
 * `go` put the copy in place of the module in `modfile`. The checkout stays as it is.
 */
export function useGofortCheckout(checkout: string, folder: string, modfile: string): string[] {
  const copy = join(folder, 'gofort');
  cpSync(checkout, copy, { recursive: true, filter: (path) => isWanted(path, relative(checkout, path)) });
  const own = join(copy, 'go.mod');
  if (!existsSync(own)) writeFileSync(own, `module ${MODULE}\n\nrequire ${UUID}\n`);
  return ['mod', 'edit', `-require=${MODULE}@v0.0.0`, `-replace=${MODULE}=${copy}`, modfile];
}

/** The files of a checkout that a program is built from, in the same order each time. */
export function filesOfGofort(checkout: string): string[] {
  const paths = readdirSync(checkout, { recursive: true, encoding: 'utf8' }).sort().map((name) => join(checkout, name));
  const leftOut = (path: string): boolean => LEFT_OUT.has(relative(checkout, path).split(sep)[0] as string);
  return paths.filter((path) => !leftOut(path) && statSync(path).isFile() && isWanted(path, relative(checkout, path)));
}

function isWanted(path: string, inCheckout: string): boolean {
  if (statSync(path).isDirectory()) return !LEFT_OUT.has(inCheckout);
  return /(\.go|go\.mod|go\.sum)$/.test(path) && !path.endsWith('_test.go');
}
