import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { keepFolder } from './keep-folder.mjs';
import { runCommand } from './run-command.mjs';

const LIMIT_MS = 600_000;
const SQLITE = '12.11.1';
const PRISMA = '7.10.0';
/** By whose names Prisma calls the databases of the tests. */
const PRISMA_PROVIDERS = ['postgresql', 'mysql'];

/**
 * What tests of the outbox use and is none of the dependencies: better-sqlite3, because a machine with only Node may be unable to
 * fetch or compile it, and Prisma, which is 300 MB. `link` is what it is called in `node_modules`, and leads to `target` of
 * the folder that it is installed into.
 */
const PACKAGES = [
  { title: `better-sqlite3 ${SQLITE}`, specs: [`better-sqlite3@${SQLITE}`], key: `better-sqlite3-${SQLITE}-${process.platform}-${process.arch}-${process.versions.modules}`, link: 'better-sqlite3', target: 'node_modules/better-sqlite3', scripts: true },
  { title: `Prisma ${PRISMA}`, specs: ['prisma', '@prisma/client', '@prisma/adapter-pg', '@prisma/adapter-mariadb'].map((name) => `${name}@${PRISMA}`), key: `prisma-${PRISMA}`, link: 'prisma-for-tests', target: '.', scripts: false, prepare: generatePrisma },
];

/**
 * Installs them beside the dependencies: once, and kept between runs. What cannot be had is not tested, and the tests say so.
 */
export async function ensurePackagesBeside(root) {
  await Promise.all(PACKAGES.map((one) => ensure(root, one)));
}

async function ensure(root, one) {
  const place = join(root, 'node_modules', one.link);
  if (existsSync(place)) return;
  const kept = join(homedir(), '.cache/dispatcher-test', one.key);
  if (!existsSync(kept) && !await install(kept, one)) return;
  mkdirSync(dirname(place), { recursive: true });
  // A dead one of a folder that was removed since.
  rmSync(place, { force: true });
  symlinkSync(join(kept, one.target), place, 'junction');
}

/** Into a folder of another name first: a run that is interrupted leaves no half of it. */
async function install(kept, { title, specs, scripts, prepare }) {
  console.error(`Installing ${title}, which tests need ...`);
  const unfinished = `${kept}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  const code = await runCommand('npm', ['install', '--prefix', unfinished, '--no-audit', '--no-fund', '--loglevel=error', ...scripts ? [] : ['--ignore-scripts'], ...specs], { timeout: LIMIT_MS });
  const isWhole = code === 0 && await (prepare?.(unfinished) ?? true);
  if (isWhole) keepFolder(unfinished, kept);
  else {
    rmSync(unfinished, { recursive: true, force: true });
    console.error(`It cannot be had: the tests of the outbox with ${title} are left out.`);
  }
  return isWhole;
}

/** A client for each database, without a model: what the outbox asks is SQL. */
async function generatePrisma(folder) {
  for (const provider of PRISMA_PROVIDERS) {
    const schema = join(folder, `${provider}.prisma`);
    writeFileSync(schema, `datasource db {\n  provider = "${provider}"\n}\ngenerator client {\n  provider = "prisma-client-js"\n  output = "./generated-${provider}"\n}\nmodel charges {\n  amount Int @id\n}\n`);
    // It would be fetched from a place of Prisma's own, and is used for migrations alone.
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' };
    const code = await runCommand(process.execPath, [join(folder, 'node_modules/prisma/build/index.js'), 'generate', '--schema', schema, '--no-hints'], { cwd: folder, env, timeout: LIMIT_MS });
    if (code !== 0) return false;
  }
  return true;
}
