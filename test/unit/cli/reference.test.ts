import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeProgram } from '../../../lib/cli/program.js';
import { reference } from '../../../lib/cli/reference.js';
import type { VerbCall } from '../../../lib/cli/verb.js';
import { VERBS } from '../../../lib/cli/verbs.js';

describe('the reference of the command line', () => {
  it('is the one that the page has (npm run cli:reference writes it anew)', () => {
    const page = readFileSync(join(__dirname, '../../../docs/command-line.md'), 'utf8');
    expect(page.slice(page.indexOf('## Reference\n'))).toBe(`## Reference\n\nMade from the program itself.\n\n${reference(VERBS)}\n`);
  });

  it.each(VERBS.flatMap((verb) => verb.examples.map(([command]) => ({ verb, command }))))('has an example that the program takes: $command', async ({ verb, command }) => {
    expect((await parse(wordsOf(command))).verb).toBe(verb.name);
  });

  it('gives every verb a summary, and no option of one is that of all', () => {
    const common = ['--broker', '--exchange', '--result-backend', '--config', '--connect-timeout', '--json', '--verbose', '--help', '--version'];
    for (const { summary, options = [] } of VERBS) {
      expect(summary).toMatch(/^[a-z].*[^.]$/);
      expect(options.flatMap(({ flags }) => flags.split(/[ ,]+/)).filter((flag) => common.includes(flag))).toEqual([]);
    }
  });
});

describe('the program', () => {
  it('takes the options of all before and behind a verb', async () => {
    expect((await parse(['--json', 'queues', 'a', '-e', 'x'])).call.options).toMatchObject({ json: true, exchange: 'x' });
  });

  it('takes negative numbers for arguments', async () => {
    expect((await parse(['send', 'add', '-1', '2.5'])).call.args).toEqual(['add', ['-1', '2.5']]);
  });

  it.each([
    [['queues', '--nothing'], /unknown option '--nothing'/], [['nothing'], /unknown command 'nothing'/], [['purge'], /missing required argument 'queue'/],
    [['pause', 'host', 'a'], /Allowed choices are queue, task, worker/], [['send', 'a', '--delay', 'soon'], /expected a duration such as/],
    [['drain', 'a', '--timeout', '-1'], /expected a duration/], [['dead', 'list', 'q', '--since', 'yesterday'], /expected a time such as/],
  ])('refuses %j', async (words, text) => {
    await expect(parse(words)).rejects.toThrow(text);
  });
});

async function parse(words: string[]): Promise<{ verb: string; call: VerbCall }> {
  const called: { verb: string; call: VerbCall }[] = [];
  const silent = { write: () => true } as unknown as NodeJS.WriteStream;
  await makeProgram(VERBS, '1.0.0', { stdout: silent, stderr: silent }, (verb, call) => {
    called.push({ verb: verb.name, call });
    return Promise.resolve();
  }).parseAsync(words, { from: 'user' });
  return called[0] as { verb: string; call: VerbCall };
}

/** As a shell would split it, as far as examples need that. */
function wordsOf(command: string): string[] {
  const own = command.split(/ (?:\||&&|>>?) /)[0] as string;
  return [...own.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, plain]) => single ?? double ?? plain ?? '');
}
