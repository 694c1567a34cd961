import type { Bodies } from '../../bodies/bodies.js';
import { ConfigurationError } from '../../errors.js';
import type { Format } from '../../formats/format.js';
import { Formats } from '../../formats/formats.js';
import { display } from '../../task/argument-types.js';
import type { TaskGate } from '../../worker/gates/task-gate.js';
import type { Invoker } from '../../worker/invoker.js';
import { Invokers } from '../../worker/invokers.js';
import { checkIds, type IdsConfig } from '../publishing/id-makers.js';
import { checkBodies } from './bodies-config.js';
import { checkClaims, type ResolvedClaims } from './claims-config.js';
import { checkName } from './config-checks.js';
import { checkForeignResults, type ResolvedForeignResults } from './foreign-results-config.js';
import type { ServerConfig } from './server-config.js';

/** The parts that an application may bring itself, and which of them are chosen. */
export interface PluggedParts {
  readonly formats: Formats;
  /** Of queues of which nothing is said. */
  readonly format: Format;
  /** Of formats. */
  readonly foreignResults: readonly ResolvedForeignResults[];
  /** What is done to the bytes that a format has written. */
  readonly bodies: Bodies;
  readonly claims: ResolvedClaims | undefined;
  readonly ids: IdsConfig;
  readonly invokers: Invokers;
  /** What is asked before a task runs, beside what is built in. */
  readonly gates: readonly TaskGate[];
}

/** @throws ConfigurationError */
export function pluggedParts(options: ServerConfig, maxTaskBytes: number): PluggedParts {
  const foreignResults = checkForeignResults(options.foreignResults);
  const claims = checkClaims(options.claimCheck);
  const bodies = checkBodies(options, maxTaskBytes, claims?.minBytes);
  const formats = new Formats(listOf<Format>(options.formats, 'formats'), countedBy(foreignResults), bodies);
  return {
    formats, foreignResults, bodies, claims,
    format: formats.get(options.format === undefined ? 'gofort' : checkName(options.format, 'format', "format: 'machinery'"), 'format'),
    ids: checkIds(options.ids, options.idMakers),
    invokers: new Invokers(listOf<Invoker>(options.invokers, 'invokers')),
    gates: checkGates(listOf<TaskGate>(options.gates, 'gates') ?? []),
  };
}

/** Formats whose chords can be counted: replies are kept nowhere. */
function countedBy(foreign: readonly ResolvedForeignResults[]): ReadonlySet<string> {
  return new Set(foreign.filter(({ url }) => !/^rpc:/i.test(url.reveal())).map(({ format }) => format));
}

/** What each of them is, whoever keeps them knows. @throws ConfigurationError */
function listOf<Part>(list: readonly Part[] | undefined, option: string): readonly Part[] | undefined {
  if (list === undefined || Array.isArray(list)) return list;
  throw new ConfigurationError(`${option} must be a list of ${option} such as [mine]; found ${display(list)}.`, { option });
}

/** @throws ConfigurationError */
function checkGates(gates: readonly TaskGate[]): readonly TaskGate[] {
  gates.forEach((gate: unknown, index) => {
    const { name, concerns, enter, leave } = (typeof gate === 'object' && gate !== null ? gate : {}) as Partial<TaskGate>;
    if (typeof name === 'string' && name !== '' && [concerns, enter, leave].every((method) => typeof method === 'function')) return;
    throw new ConfigurationError(`gates[${index}] must be a TaskGate: an object with name, concerns, enter and leave; found ${display(gate)}.`, { option: 'gates' });
  });
  return gates;
}
