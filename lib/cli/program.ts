import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { EXIT_CODES } from './exit-code.js';
import { UsageError } from './failures.js';
import { PROGRAM_NAME } from './program-name.js';
import { COMMON_OPTIONS } from './settings/read-settings.js';
import type { Terminal } from './terminal.js';
import type { Verb, VerbCall, VerbOption } from './verb.js';

/** Verbs that are a family: `dead list`. */
const FAMILIES: Readonly<Record<string, string>> = {
  contract: 'the contract of all tasks: print it, compare it, make types of it',
  dead: 'dead letters: look at them, run them anew, discard them',
  failure: 'failures of one kind, by the id that `failures` shows: retry, discard, annotate',
  schedules: 'recurring tasks: list, pause, resume, trigger, remove',
  workflows: 'workflows by their uuid: progress, cancel, retry',
};

export type RunVerb = (verb: Verb, call: VerbCall) => Promise<void>;

/** The program of these verbs, which does nothing by itself: `run` is called for the one that is meant. */
export function makeProgram(verbs: readonly Verb[], version: string, terminal: Pick<Terminal, 'stdout' | 'stderr'>, run: RunVerb): Command {
  const program = configured(new Command(PROGRAM_NAME), terminal)
    .description('Looks into a running system of nestjs-dispatcher and steers it: from a terminal, on RabbitMQ or an embedded folder.')
    .version(version, '-V, --version', 'print the version')
    .addHelpText('after', `\nExit codes:\n${EXIT_CODES.map(([code, what]) => `  ${String(code).padEnd(4)}${what}`).join('\n')}\n\n`
      + `\`${PROGRAM_NAME} help <verb>\` shows options and examples of one.`);
  for (const common of COMMON_OPTIONS) program.addOption(optionOf(common));
  for (const verb of verbs) addVerb(program, verb, terminal, run);
  return program.helpCommand(false).addCommand(helpCommand(program, terminal));
}

/** Of a family's verbs too: `help dead list`. */
function helpCommand(program: Command, terminal: Pick<Terminal, 'stdout' | 'stderr'>): Command {
  return configured(new Command('help'), terminal).description('show options and examples of a verb').argument('[verb...]', 'such as `send`, or `dead list`')
    .action((names: readonly string[]) => {
      let command = program;
      for (const name of names) {
        const inner = command.commands.find((one) => one.name() === name);
        if (inner === undefined) throw new UsageError(`There is no verb "${names.join(' ')}". \`${PROGRAM_NAME} help\` lists them.`);
        command = inner;
      }
      command.outputHelp();
    });
}

function configured(command: Command, { stdout, stderr }: Pick<Terminal, 'stdout' | 'stderr'>): Command {
  return command
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text), outputError: () => undefined })
    .helpOption('-h, --help', 'show this help');
}

function addVerb(program: Command, verb: Verb, terminal: Pick<Terminal, 'stdout' | 'stderr'>, run: RunVerb): void {
  const [first, second] = verb.name.split(' ') as [string, string | undefined];
  const parent = second === undefined ? program : familyOf(program, first, terminal);
  const command = configured(new Command(second ?? first), terminal).description([verb.summary, ...verb.notes ?? []].join('\n')).summary(verb.summary);
  for (const { name, about, choices } of verb.arguments ?? []) {
    const argument = new Argument(name, about);
    command.addArgument(choices === undefined ? argument : argument.choices(choices));
  }
  for (const option of verb.options ?? []) command.addOption(optionOf(option));
  command.addHelpText('after', `\nExamples:\n${verb.examples.map(([text, what]) => `  # ${what}\n  ${PROGRAM_NAME} ${text}`).join('\n')}`);
  command.action(async () => run(verb, { args: command.processedArgs as VerbCall['args'], options: command.optsWithGlobals() }));
  parent.addCommand(command);
}

function familyOf(program: Command, name: string, terminal: Pick<Terminal, 'stdout' | 'stderr'>): Command {
  const known = program.commands.find((command) => command.name() === name);
  if (known !== undefined) return known;
  const family = configured(new Command(name), terminal).description(FAMILIES[name] ?? name).helpCommand(false);
  program.addCommand(family);
  return family;
}

function optionOf({ flags, about, parse, choices, fallback }: VerbOption): Option {
  const option = new Option(flags, fallback === undefined ? about : `${about} (default: ${fallback})`);
  if (choices !== undefined) option.choices(choices);
  return parse === undefined ? option : option.argParser((text: string, previous: unknown) => parsed(parse, text, previous));
}

function parsed(parse: NonNullable<VerbOption['parse']>, text: string, previous: unknown): unknown {
  try {
    return parse(text, previous);
  } catch (error) {
    throw error instanceof UsageError ? new InvalidArgumentError(error.message) : error;
  }
}
