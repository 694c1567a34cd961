import { byNameAndVersion, type Contract, type TaskContract, titleOfTask } from '../model.js';
import { pascalCase, propertyName, TypeWriter } from './type-of.js';

const OWN_NAMES = ['Tasks', 'tasks', 'ContractClient'];

/**
 * A file of TypeScript for a service that has no access to the provider's class: `client(tasks)` publishes what the
 * contract has, checked by the compiler. Of a name with several versions the newest has the name, others `name@version`.
 *
 * @publicApi
 */
export function clientFile(contract: Contract): string {
  const writer = new TypeWriter([...OWN_NAMES, 'Record']);
  const entries = [...contract.tasks].sort(byNameAndVersion).map((task) => ({ task, key: keyOf(task, contract) }));
  const methods = entries.map(({ task, key }) => `${commentOf(task)}  ${propertyName(key)}(${parametersOf(task, writer)}): ${resultOf(task, writer)};`);
  const routes = entries.map(({ task, key }) => `    ${propertyName(key)}: ${routeOf(task, key)},`);
  return [
    `// Made by \`nestjs-dispatcher contract types\` of the contract of ${JSON.stringify(contract.title)}, version ${JSON.stringify(contract.version)}. Changes by hand are lost.`,
    "import type { ContractClient } from 'nestjs-dispatcher';", '',
    ...writer.declarations.flatMap((declaration) => [declaration, '']),
    '/** `dispatcher.client(tasks)` has these as methods that publish. */', 'export interface Tasks {', ...methods, '}', '',
    'export const tasks: ContractClient<Tasks> = {', '  tasks: {', ...routes, '  },', '};', '',
  ].join('\n');
}

function keyOf({ name, version }: TaskContract, { tasks }: Contract): string {
  return tasks.some((other) => other.name === name && other.version > version) ? `${name}@${version}` : name;
}

function routeOf({ name, version, routingKey, options }: TaskContract, key: string): string {
  const said = { ...key === name ? {} : { name }, ...version === 1 ? {} : { version }, routingKey, ...options.result === true ? { result: true } : {} };
  return `{ ${Object.entries(said).map(([field, value]) => `${field}: ${JSON.stringify(value)}`).join(', ')} }`;
}

function commentOf(task: TaskContract): string {
  const { description, deprecated } = task;
  const said = [description, deprecated === undefined ? undefined : `@deprecated ${deprecated === true ? `${titleOfTask(task)} is not to be published any more` : deprecated}`];
  const lines = said.filter((one) => one !== undefined).flatMap((one) => one.split(/\r?\n/)).map((line) => line.replaceAll('*/', '* /').trim()).filter((line) => line !== '');
  if (lines.length === 0) return '';
  return lines.length === 1 ? `  /** ${lines[0]} */\n` : `  /**\n${lines.map((line) => `   * ${line}\n`).join('')}   */\n`;
}

function parametersOf(task: TaskContract, writer: TypeWriter): string {
  const last = task.arguments.findLastIndex(({ required }) => required !== false);
  const names = new Set<string>();
  const called = calledOf(task);
  const parameters = task.arguments.map(({ name, required, schema }, position) => {
    const type = writer.typeOf(schema, `${called}${name === undefined ? `Argument${position}` : pascalCase(name)}`);
    const parameter = parameterName(name, position, names);
    if (position > last) return `${parameter}?: ${type}`;
    // What may be left out stands before what must be given.
    return `${parameter}: ${required === false ? `${type} | undefined` : type}`;
  });
  const { moreArguments } = task;
  if (moreArguments === false || (moreArguments === true && parameters.length > 0)) return parameters.join(', ');
  const more = writer.typeOf(moreArguments, `${called}More`);
  return [...parameters, `...${parameterName('more', -1, names)}: ${/^\w+$/.test(more) ? more : `(${more})`}[]`].join(', ');
}

function resultOf(task: TaskContract, writer: TypeWriter): string {
  return task.result === undefined ? 'unknown' : writer.typeOf(task.result, `${calledOf(task)}Result`);
}

function calledOf({ name, version }: TaskContract): string {
  return `${pascalCase(name)}${version === 1 ? '' : `V${version}`}`;
}

/** Words of the language, and those that a strict module may not use as names. */
const RESERVED = new Set(('arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof '
  + 'interface let new null package private protected public return static super switch this throw true try typeof var void while with yield').split(' '));

function parameterName(name: string | undefined, position: number, taken: Set<string>): string {
  const wanted = name === undefined || propertyName(name) !== name ? `argument${position}` : RESERVED.has(name) ? `${name}_` : name.replace(/^_+(?=[A-Za-z])/, '');
  let unique = RESERVED.has(wanted) ? `${wanted}_` : wanted;
  for (let count = 2; taken.has(unique); count++) unique = `${wanted}${count}`;
  taken.add(unique);
  return unique;
}
