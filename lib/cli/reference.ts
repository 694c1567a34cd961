import { EXIT_CODES } from './exit-code.js';
import { PROGRAM_NAME } from './program-name.js';
import { COMMON_OPTIONS } from './settings/read-settings.js';
import type { Verb, VerbOption } from './verb.js';

/** The reference of the program in Markdown, from the table that the program itself is made of. */
export function reference(verbs: readonly Verb[]): string {
  const exitCodes = ['### Exit codes', '', '| code | |', '|---|---|', ...EXIT_CODES.map(([code, what]) => `| ${code} | ${what} |`)];
  return [
    '### Options of every verb', '', ...optionRows(COMMON_OPTIONS), '', ...verbs.flatMap(sectionOf), ...exitCodes,
  ].join('\n');
}

function sectionOf({ name, summary, notes = [], arguments: args = [], options = [], examples }: Verb): string[] {
  const usage = [PROGRAM_NAME, name, ...args.map((argument) => argument.name), ...options.length > 0 ? ['[options]'] : []].join(' ');
  return [
    `### ${name}`, '', `\`${usage}\``, '', `${capital(summary)}. ${notes.map(withoutTags).join(' ')}`.trim(), '',
    ...args.length + options.length === 0 ? [] : [
      '| | |', '|---|---|',
      ...args.map(({ name: argument, about, choices }) => `| \`${argument}\` | ${cell(about)}${choices === undefined ? '' : `: ${choices.join(', ')}`} |`),
      ...options.map(optionRow), '',
    ],
    '```bash', ...examples.map(([command, what]) => `${PROGRAM_NAME} ${command}   # ${what}`), '```', '',
  ];
}

function optionRows(options: readonly VerbOption[]): string[] {
  return ['| | |', '|---|---|', ...options.map(optionRow)];
}

function optionRow({ flags, about, choices, fallback }: VerbOption): string {
  const chosen = choices === undefined ? '' : `: ${choices.join(', ')}`;
  return `| \`${flags}\` | ${cell(about)}${chosen}${fallback === undefined ? '' : `. Default: ${cell(fallback)}`} |`;
}

function cell(text: string): string {
  return withoutTags(text.replaceAll('|', '\\|'));
}

/** GitHub shows nothing in place of what could be a tag. */
function withoutTags(text: string): string {
  return text.replaceAll('<', '&lt;');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
