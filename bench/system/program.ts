/*
 * A system under test in a process of its own: `node program.js MODULE key=value ...`.
 * It says `bench ready`, waits for the line `go`, says `bench started MICROS` after the warm-up and
 * `bench done MICROS key=value ...` at the end, then waits for `quit`. All else on its output is ignored.
 */
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import type { SystemModule } from './contract.js';
import { countTasks, type Marks } from './counter.js';
import { nowMicros } from './make-task.js';
import { publishAll } from './publishing.js';
import { parseSettings } from './settings.js';

const marks: Marks = {
  started: () => say(`started ${nowMicros()}`),
  finished: () => say('finished'),
  done: (report) => say(['done', nowMicros(), ...Object.entries(report).map(([key, value]) => `${key}=${value}`)].join(' ')),
};

async function main([path, ...args]: string[]): Promise<void> {
  if (path === undefined) throw new Error('Name the module of the system first: program.js MODULE key=value ...');
  const settings = parseSettings(args);
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const module = (await import(pathToFileURL(path).href)) as SystemModule & { default?: SystemModule };
  const consuming = settings.role !== 'publish';
  const onTask = consuming ? countTasks(settings, marks) : () => undefined;
  const system = await (module.default?.open ?? module.open)(settings, onTask);
  say('ready');
  // The end of the input means that the driver is gone.
  if ((await lines.next()).done) process.exit(1);
  if (consuming) await system.consume!();
  if (settings.role === 'both') await publishAll(system, settings, settings.warmup + settings.count);
  if (settings.role === 'publish') {
    await publishAll(system, settings, settings.warmup);
    marks.started();
    await publishAll(system, settings, settings.count);
    marks.done({});
  }
  await lines.next();
  await system.close();
  process.exit(0);
}

function say(line: string): void {
  process.stdout.write(`bench ${line}\n`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
