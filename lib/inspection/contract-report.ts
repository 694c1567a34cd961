import { contractProblem } from '../contract/asyncapi/shapes.js';
import { byNameAndVersion, type Contract, type JsonSchema, type TaskContract } from '../contract/model.js';
import { isPlainObject, isSame } from '../contract/plain.js';

/** What one process tells of one of its tasks. */
export interface ContractPart {
  readonly process: string;
  readonly startedAt: number;
  /** A worker of it takes the task; otherwise it has its code, and may publish it. */
  readonly runs: boolean;
  /** Its schemas were too large to tell: they are `true` here. */
  readonly cut?: true;
  readonly task: TaskContract;
}

/** The contract of a running system, from all processes that have answered. @publicApi */
export interface ContractReport {
  readonly contract: Contract;
  /** Tasks of which processes tell different things, as while a new version is rolled out: that of the workers counts, and among them that of the process that was started last. */
  readonly differing: readonly ContractDifference[];
  /** Tasks whose schemas are too large to be told: they say `true`. */
  readonly cut: readonly { readonly task: string; readonly version: number }[];
  /** A process could not tell of all its tasks, because they were too many or it was asked too often. */
  readonly incomplete: boolean;
}

/** @publicApi */
export interface ContractDifference {
  readonly task: string;
  readonly version: number;
  /** Ids of those that tell something else than the contract says. */
  readonly processes: readonly string[];
}

/** A larger task is told without its schemas. */
const MOST_TASK_LENGTH = 64 * 1024;

export function partOf(task: TaskContract, told: Pick<ContractPart, 'process' | 'startedAt' | 'runs'>): ContractPart {
  if (JSON.stringify(task).length <= MOST_TASK_LENGTH) return { ...told, task };
  const { description: _long, ...rest } = task;
  const args = task.arguments.map((argument) => ({ ...argument, schema: true }));
  return { ...told, cut: true, task: { ...rest, arguments: args, moreArguments: task.moreArguments !== false, ...task.result === undefined ? {} : { result: true } } };
}

/** Whether something is what whoever reads contracts counts on. */
export function isContractPart(item: unknown): item is ContractPart {
  if (!isPlainObject(item) || typeof item['process'] !== 'string' || typeof item['startedAt'] !== 'number' || typeof item['runs'] !== 'boolean') return false;
  const { task } = item;
  if (!isPlainObject(task) || contractProblem(task) !== undefined || !isSchema(task['moreArguments'])) return false;
  return (task['arguments'] as Record<string, unknown>[]).every(({ schema }) => isSchema(schema)) && (task['result'] === undefined || isSchema(task['result']));
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'boolean' || isPlainObject(value);
}

/** The same parts give the same contract, in whatever order they came. */
export function contractReport(exchange: string, parts: readonly ContractPart[], incomplete: boolean): ContractReport {
  const groups = new Map<string, ContractPart[]>();
  for (const part of parts) {
    const id = `${part.task.version} ${part.task.name}`;
    groups.set(id, [...groups.get(id) ?? [], part]);
  }
  const chosen = [...groups.values()].map((group) => ({ group, best: [...group].sort(byWeight)[0] as ContractPart })).sort((a, b) => byNameAndVersion(a.best.task, b.best.task));
  return {
    contract: { title: exchange, version: '1.0.0', exchange, tasks: chosen.map(({ best }) => best.task) },
    differing: chosen.flatMap(({ group, best: { task } }) => {
      const processes = [...new Set(group.filter((part) => !isSame(part.task, task)).map(({ process }) => process))].sort();
      return processes.length === 0 ? [] : [{ task: task.name, version: task.version, processes }];
    }),
    cut: chosen.flatMap(({ best: { cut, task: { name, version } } }) => (cut === true ? [{ task: name, version }] : [])),
    incomplete,
  };
}

/** Who runs it knows better than who publishes it, and who was started last knows the newest code. */
function byWeight(one: ContractPart, other: ContractPart): number {
  return Number(other.runs) - Number(one.runs) || other.startedAt - one.startedAt || (one.process < other.process ? -1 : 1);
}
