// Compiles the library and the benchmark into .cache/bench, then runs one of its programs.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const [program = 'cli', ...args] = process.argv.slice(2);
const entry = `${root}.cache/bench/bench/${program}.js`;

const tsgo = `${root}node_modules/@typescript/native-preview/bin/tsgo`;
const built = spawnSync(process.execPath, [tsgo, '-p', `${root}bench/tsconfig.json`], { stdio: 'inherit' });
if (built.status !== 0 && !existsSync(entry)) process.exit(built.status ?? 1);
if (built.status !== 0) console.error('The type check failed (see above); going on with what it compiled.');

// test/support finds these by their place beside it.
cpSync(`${root}scripts`, `${root}.cache/bench/scripts`, { recursive: true });

// bench:check counts what is allocated, which works only while nothing is collected in between.
const flags = program === 'check' ? ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256'] : [];
const child = spawn(process.execPath, ['--enable-source-maps', ...flags, entry, ...args], { stdio: 'inherit', cwd: root });
// It ends its servers before it goes, so it must hear of what only this process was sent.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.once('close', (code) => process.exit(code ?? 1));
