import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

const SOURCE = /\.(ts|mts|mjs|js)$/;
/** Every text in quotes without a blank in it: an import, or the name of a file that is started or read. */
const QUOTED = /['"`]([\w@./-]{3,200})['"`]/g;
/** How this package is called by its own sample app. */
const OWN_NAME = 'nestjs-dispatcher';
const OWN_ENTRY = 'lib/index.ts';

/**
 * Which file of this repository needs which other: by importing it, or by naming it, as tests name what they start as
 * a process of its own (`'test/faults/apps/app.ts'`) or a folder that they read (`'test/support/go'`).
 */
export class ImportGraph {
  #root;
  #files;
  #needs = new Map();

  /** @param {string[]} files of the repository, relative to `root` */
  constructor(root, files = filesOf(root)) {
    this.#root = root;
    this.#files = new Set(files);
  }

  get files() {
    return [...this.#files];
  }

  /** The file itself and everything that it needs, also by way of others. */
  reach(file) {
    const reached = new Set([file]);
    // A set goes on with what is added while it is walked.
    for (const each of reached) for (const needed of this.#neededBy(each)) reached.add(needed);
    return reached;
  }

  #neededBy(file) {
    let needed = this.#needs.get(file);
    if (needed === undefined) this.#needs.set(file, needed = SOURCE.test(file) ? this.#read(file) : []);
    return needed;
  }

  #read(file) {
    const named = [...textOf(posix.join(this.#root, file)).matchAll(QUOTED)].map(([, text]) => text);
    return named.flatMap((name) => this.#resolve(name, file));
  }

  #resolve(name, from) {
    if (name === OWN_NAME) return [OWN_ENTRY];
    const path = name.startsWith('.') ? posix.join(posix.dirname(from), name) : posix.normalize(name);
    const found = [path, path.replace(/\.js$/, '.ts'), path.replace(/\.mjs$/, '.mts')].find((each) => this.#files.has(each));
    if (found !== undefined) return [found];
    // A folder; one that has no slash in its name could be any word.
    return name.includes('/') ? this.files.filter((each) => each.startsWith(`${path}/`)) : [];
  }
}

function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Git still knows a file that has just been removed.
    return '';
  }
}

/** Those that Git knows or would add. */
function filesOf(root) {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8', maxBuffer: 100_000_000 });
  return listed.split('\n').filter((name) => name !== '');
}
