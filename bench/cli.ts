import { Session } from './driver/session.js';
import { parseOptions, usage } from './options.js';
import { markdown, plain } from './report/markdown.js';
import { tables } from './report/rows.js';
import { updateDocs, writeResults } from './report/write.js';
import { systems } from './systems.js';

async function main(args: string[]): Promise<void> {
  const options = parseOptions(args);
  if (options.help) return console.log(usage);
  const { plan } = options;
  const session = new Session(plan, systems, console.log);
  // Exiting runs the handlers that end the servers and the systems under test.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const outcome = await session.run();
  const results = tables(plan, outcome);
  const text = markdown(plan, results, outcome.failures);
  for (const table of results) console.log(plain(table));
  console.log(`\nWritten: ${writeResults(plan, outcome, text)}.md and .json`);
  if (options.updateDocs) updateDocs(text);
  if (outcome.failures.some(({ scenario }) => scenario !== 'all')) process.exitCode = 1;
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
