import { parseArgs } from 'node:util';
import { recordAll } from './record/record-all.js';
import { distinct, type Trace } from './traces/follow.js';
import { keepTraces } from './traces/kept-traces.js';
import { TRACED } from './traces/protocols.js';
import { LIVENESS, liveness, PROTOCOLS, safety, withMistake, type Protocol } from './protocols.js';
import { noTlc, runTlc, type TlcRun } from './tlc.js';

/** `run.js [Settle ...] [--small] [--only specs|traces] [--keep]`: see docs/model.md. */

const { values, positionals } = parseArgs({
  options: { small: { type: 'boolean', default: false }, only: { type: 'string' }, keep: { type: 'boolean', default: false } }, allowPositionals: true,
});

let failed = 0;

/** A line of a table in docs/model.md. */
function tell(cells: readonly (string | number)[], isGood: boolean): void {
  if (!isGood) failed++;
  console.log(`| ${cells.join(' | ')} |`);
}

function boundsOf({ constants }: TlcRun): string {
  return Object.entries(constants).filter(([name]) => name !== 'Mistake').map(([name, value]) => `${name} ${typeof value === 'object' ? value.length : String(value)}`).join(', ');
}

async function holds(run: TlcRun, what: string): Promise<void> {
  const { violated, states, distinct, depth, seconds, output } = await runTlc(run);
  tell([run.spec, what, boundsOf(run), states, distinct, depth, `${Math.round(seconds)} s`, violated === undefined ? 'holds' : `**${violated} is violated**`], violated === undefined);
  if (violated !== undefined) console.error(output);
}

async function isCaught(run: TlcRun, mistake: string, breaks: string): Promise<void> {
  const { violated, distinct, depth } = await runTlc(run);
  tell([run.spec, `\`${mistake}\``, `\`${breaks}\``, violated === breaks || breaks === LIVENESS && violated !== undefined ? `yes, after ${distinct} states${Number.isNaN(depth) ? '' : `, at depth ${depth}`}` : '**no**'], violated !== undefined);
}

async function check(protocols: readonly Protocol[]): Promise<void> {
  console.log('| specification | what | bounds | states | distinct | depth | took | |\n|---|---|---|---|---|---|---|---|');
  for (const protocol of protocols) {
    for (const bounds of values.small ? [protocol.small] : protocol.large) await holds(safety(protocol, bounds), 'safety');
    if (protocol.live !== undefined) await holds(liveness(protocol, protocol.live), 'safety and liveness');
  }
  console.log('\n| specification | mistake | breaks | noticed |\n|---|---|---|---|');
  for (const protocol of protocols) {
    for (const planted of protocol.mistakes) await isCaught(withMistake(protocol, planted), planted.mistake, planted.breaks);
    if (protocol.live !== undefined) await isCaught(liveness(protocol, protocol.live, protocol.live.mistake), protocol.live.mistake, LIVENESS);
  }
}

/** Records real runs, and has every line of every trace looked up in its specification. */
async function checkTraces(names: readonly string[]): Promise<void> {
  const recorded = await recordAll(names);
  console.log('\n| specification | traces of real runs | that differ | lines | |\n|---|---|---|---|---|');
  for (const protocol of TRACED.filter(({ name }) => names.includes(name))) {
    const traces = recorded[protocol.name] ?? [];
    if (values.keep) keepTraces(protocol.name, traces);
    const followed = await protocol.follow(distinct(traces).map(({ trace }) => trace));
    const refused = followed.filter(({ refusedAt }) => refusedAt !== undefined);
    for (const { trace, refusedAt } of refused) console.error(`${protocol.name} refuses line ${(refusedAt ?? 0) + 1} of:\n${linesOf(trace)}`);
    tell([protocol.name, traces.length, followed.length, traces.flat().length, refused.length === 0 ? 'all allowed' : `**${refused.length} refused**`], refused.length === 0 && traces.length > 0);
  }
}

function linesOf(trace: Trace): string {
  return trace.map((line, index) => `${String(index + 1).padStart(3)} ${JSON.stringify(line)}`).join('\n');
}

async function main(): Promise<number> {
  if (noTlc !== undefined) {
    console.error(noTlc);
    return 1;
  }
  const unknown = positionals.filter((name) => PROTOCOLS.every((protocol) => protocol.name !== name));
  if (unknown.length > 0) {
    console.error(`There is no specification ${unknown.join(', ')}. There are: ${PROTOCOLS.map(({ name }) => name).join(', ')}.`);
    return 2;
  }
  const protocols = PROTOCOLS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  if (values.only !== 'traces') await check(protocols);
  if (values.only !== 'specs') await checkTraces(protocols.map(({ name }) => name));
  return failed === 0 ? 0 : 1;
}

main().then((code) => { if (code !== 0) process.exitCode = code; }, (error: unknown) => {
  console.error(error);
  process.exitCode = 1;
  // By itself Node now and then waits for ever for a handle that it has closed already.
}).finally(() => process.exit());
