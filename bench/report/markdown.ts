import { cpus, totalmem } from 'node:os';
import type { Plan } from '../driver/session.js';
import type { Failure } from '../driver/measurement.js';
import { charts } from './chart.js';
import type { Table } from './rows.js';

/** The results as a section of a document. */
export function markdown(plan: Plan, tables: readonly Table[], failures: readonly Failure[]): string {
  return [
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${machine()}; ${plan.runs} runs, ${plan.tasks.toLocaleString('en')} tasks each, backlogs to consume 100,000.`,
    ...charts(tables),
    ...tables.map(section),
    systemList(plan),
    ...(failures.length === 0 ? [] : [failureList(failures)]),
  ].join('\n\n');
}

/** The same table for a terminal, in columns. */
export function plain({ scenario, head, rows }: Table): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]): string => line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  return [`\n${scenario.title} (${scenario.name})`, ...lines.map((line) => `  ${format(line)}`)].join('\n');
}

function section({ scenario, head, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = head.map((_, i) => (i === 0 ? '---' : '---:'));
  return [`### ${scenario.title}`, '', line(head), line(rule), ...rows.map(line)].join('\n');
}

function systemList(plan: Plan): string {
  const items = plan.systems.map(({ name, title, differs }) => `- **${title}** (\`${name}\`). ${differs}`);
  return ['### What each system does', '', ...items].join('\n');
}

function failureList(failures: readonly Failure[]): string {
  const items = failures.map(({ scenario, system, reason }) => `- ${system} (${scenario}): ${reason.split('\n')[0]}`);
  return ['### Not measured', '', ...items].join('\n');
}

function machine(): string {
  const cores = cpus();
  return `${cores.length} x ${cores[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
}
