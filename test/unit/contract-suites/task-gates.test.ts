import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { taskGateContract, type TaskGateUnderTest } from '../../../lib/contract-suites/index.js';
import type { TaskGate, TaskVisit } from '../../../lib/index.js';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import type { StateBackend } from '../../../lib/state/state-backend.js';
import { Header } from '../../../lib/task/headers.js';
import { onceHeaders } from '../../../lib/task/once.js';
import { CrashGate } from '../../../lib/worker/gates/crashes/crash-gate.js';
import { OnceGate } from '../../../lib/worker/gates/once/once-gate.js';
import { OrderGate } from '../../../lib/worker/gates/order/order-gate.js';
import { OrderLines } from '../../../lib/worker/gates/order/order-lines.js';
import { EdgeGates } from '../../../lib/worker/gates/edges/edge-gates.js';
import { UniqueGate } from '../../../lib/worker/gates/unique-gate.js';

const visit = (number: number, more: Partial<TaskVisit> = {}): TaskVisit => ({ uuid: `uuid-${number}`, name: 'a', args: [], headers: {}, attempt: 1, queue: 'q', worker: 'w', redelivered: false, ...more });
const unique = (number: number): TaskVisit => visit(number, { headers: { [Header.unique]: JSON.stringify({ key: 'unique:a', scope: 'untilFinished', seconds: 60, token: `token-${number}`, replace: false }) } });
const edge = (number: number): TaskVisit => visit(number, { headers: { [Header.edge]: JSON.stringify({ kind: 'debounce', key: 'edge:a', token: `token-${number}`, burst: 'b', seq: number, waitMs: 50, seen: 0 }) } });
const ordered = (number: number): TaskVisit => visit(number, { headers: { [Header.order]: JSON.stringify({ key: 'order:a', token: `token-${number}`, onFailure: 'skip' }) } });

const GATES: [string, (backend: () => Promise<StateBackend>) => TaskGate, (number: number) => TaskVisit, TaskVisit][] = [
  ['of unique keys', (backend) => new UniqueGate(backend), unique, visit(0)],
  ['of order', (backend) => new OrderGate(new OrderLines(backend, { publish: () => Promise.resolve() })), ordered, visit(0)],
  ['of windows', (backend) => new EdgeGates(backend).start, edge, visit(0)],
  ['that looks at windows', (backend) => new EdgeGates(backend).look, edge, visit(0)],
  ['of crashes', (backend) => new CrashGate(backend, { maxRedeliveries: 5, onRefusal: (error) => { throw error; } }), (number) => visit(number, { redelivered: true }), visit(0)],
  ['of starts', (backend) => new OnceGate(backend), (number) => visit(number, { headers: onceHeaders() }), visit(0)],
];

for (const [name, gate, of, stranger] of GATES) {
  taskGateContract({ describe, it, expect }, name, async (): Promise<TaskGateUnderTest> => {
    const backend = createResultBackend(`embedded:#${randomUUID()}`);
    await backend.connect();
    return { make: () => gate(() => Promise.resolve(backend)), visit: of, stranger, close: () => backend.close(1_000) };
  });
}
