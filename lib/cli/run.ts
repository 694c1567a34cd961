import { CommanderError } from 'commander';
import { DispatcherError } from '../errors.js';
import { complete, COMPLETE } from './completion/complete.js';
import { ExitCode, exitCodeOf } from './exit-code.js';
import { RefusedError } from './failures.js';
import { interruptible } from './interruption.js';
import { toJson } from './output/json.js';
import { Progress } from './output/progress.js';
import { printable, printableLines } from './output/text.js';
import { makeProgram } from './program.js';
import { PROGRAM_NAME } from './program-name.js';
import { Session } from './session/session.js';
import type { Settings } from './settings/settings.js';
import { readSettings, readSettingsOffline } from './settings/read-settings.js';
import { type Terminal, write } from './terminal.js';
import type { Answer, Verb, VerbCall, VerbContext } from './verb.js';
import { VERBS } from './verbs.js';
import { packageVersion } from './version.js';

/** Runs the command line. Never rejects. @returns what the process is to end with */
export async function run(args: readonly string[], terminal: Terminal, exit: (code: number) => void): Promise<ExitCode> {
  if (args[0] === COMPLETE) {
    await write(terminal.stdout, complete(VERBS, args.slice(1)).map((word) => `${word}\n`).join(''));
    return ExitCode.ok;
  }
  const json = args.includes('--json');
  let code: ExitCode = ExitCode.ok;
  const program = makeProgram(VERBS, packageVersion(), terminal, async (verb, call) => {
    const answer = await answerOf(verb, call, terminal, exit);
    code = answer.exitCode ?? ExitCode.ok;
    const text = json ? answer.data === undefined ? '' : toJson(answer.data, 2) : printableLines(answer.text);
    if (text !== '') await write(terminal.stdout, `${text}\n`);
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    // Help or the version, which has been printed already.
    if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.ok;
    return await tellFailure(error, json, terminal);
  }
}

async function answerOf(verb: Verb, call: VerbCall, terminal: Terminal, exit: (code: number) => void): Promise<Answer> {
  const opened: Session[] = [];
  const bars: Progress[] = [];
  try {
    return await interruptible(async (signal) => {
      const settings = verb.offline === true ? await readSettingsOffline(call.options, terminal) as Settings : await readSettings(call.options, terminal);
      const context: VerbContext = {
        terminal, settings, signal, json: call.options['json'] === true,
        open: async (other) => {
          const session = await Session.open(other ?? settings, terminal, context);
          opened.push(session);
          // Somebody has interrupted it meanwhile, and waits no longer for the rest.
          if (signal.aborted) await session.close();
          signal.throwIfAborted();
          return session;
        },
        progress: (what, total) => {
          const bar = new Progress(terminal.stderr, what, total);
          bars.push(bar);
          return bar;
        },
      };
      return await verb.run(context, call);
    }, exit);
  } finally {
    for (const bar of bars) bar.end();
    await Promise.all(opened.map((session) => session.close().catch(() => undefined)));
  }
}

async function tellFailure(error: unknown, json: boolean, { stderr }: Terminal): Promise<ExitCode> {
  const code = exitCodeOf(error);
  // The same words with another name, so that scripts need not read texts.
  const name = error instanceof DispatcherError ? error.code : error instanceof Error ? error.name : 'Error';
  const message = messageOf(error, code);
  if (json) {
    const fields = error instanceof DispatcherError || error instanceof RefusedError ? error.fields : {};
    await write(stderr, `${toJson({ error: { code: name, message, exitCode: code, fields } })}\n`);
  } else {
    await write(stderr, `${printableLines(message)}\n`);
  }
  return code;
}

function messageOf(error: unknown, code: ExitCode): string {
  if (!(error instanceof Error)) return printable(error);
  if (error instanceof CommanderError) {
    const text = error.message.replace(/^error: /, '');
    return error.code === 'commander.help' ? `A verb is missing. \`${PROGRAM_NAME} --help\` lists them.` : `${text}\n\`${PROGRAM_NAME} help\` tells more.`;
  }
  return code === ExitCode.defect ? `A defect of ${PROGRAM_NAME}: ${error.stack ?? error.message}` : error.message;
}
