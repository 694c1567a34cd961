import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { InvalidTaskError, Task } from '../../../lib/index.js';
import { signatures } from '../../../lib/nest/task-signatures.js';
import { decodePlan, encodePlan } from '../../../lib/workflows/plan-node.js';
import { argumentOf } from '../../../lib/workflows/step-argument.js';
import { referenceOf, referenceText, uuidOf } from '../../../lib/workflows/workflow-header.js';
import { chain, chord, group, signature, task, Workflow, type Step } from '../../../lib/workflows/workflow.js';

const WORKFLOW = '6ba7b810-9dad-41d1-80b4-00c04fd430c8';

@Injectable()
class Tasks {
  @Task('the_sum') sum(a: number, b: string): string { return b.repeat(a); }
  notATask(): void { /* It has no mark. */ }
}

function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (error instanceof InvalidTaskError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

function nested(depth: number): Workflow {
  let workflow: Workflow = task('innermost');
  for (let level = 1; level < depth; level++) workflow = chain(workflow);
  return workflow;
}

describe('a workflow', () => {
  it('shows its tree', () => {
    const members = Array.from({ length: 22 }, (_, index) => task('m', index));
    const workflow = chain(task('a', 1, 'x').immutable(), chord(group(members, { mode: 'all-settled' }), task('end', 2n)), task('d'))
      .onSuccess(chain(task('s'))).onError(task('e'));
    const text = workflow.toString().split('\n');
    expect(text.slice(0, 5)).toEqual(['chain of 3', '  a(1, "x")', '  chord', '    group of 22, all settled', '      m(..., 0)']);
    expect(text.slice(-6)).toEqual(['      ... and 2 more', '    end(..., 2n)', '  d(...)', '  on success: chain of 1', '    s(...)', '  on error: e(...)']);
    expect(group([task('b')].values()).toString()).toBe('group of any number');
  });

  it('is never changed: what is added makes another', () => {
    const plain = task('a', 1);
    const more = plain.onError(task('e')).options({ routingKey: 'k' }).immutable();
    expect(plain.node).toEqual({ kind: 'task', name: 'a', args: [{ type: 'int', value: 1 }] });
    expect(more.node).toMatchObject({ immutable: true, options: { routingKey: 'k' } });
    expect(Object.isFrozen(more)).toBe(true);
    const list = [{ deep: 1 }];
    const kept = task('a', list);
    (list[0] as { deep: number }).deep = 2;
    expect(kept.node).toMatchObject({ args: [{ value: [{ deep: 1 }] }] });
  });

  it('keeps its callbacks when it is told how it is sent', () => {
    expect(task('a').onError(task('e')).immutable().options({ delaySeconds: 1 }).node).toMatchObject({ immutable: true, onError: [{ name: 'e' }], options: { delaySeconds: 1 } });
  });

  it('comes back from where it is kept as it was', () => {
    const workflow = chain(task('a', 2n ** 63n, 1.5, null, { x: [1n] }), signature({ name: 'b', eta: new Date(5_000), retry: { attempts: 2 } }).onError({ name: 'c' }), chord([task('d')], task('e')));
    expect(decodePlan(encodePlan(workflow.node))).toEqual(workflow.node);
    expect(() => decodePlan(Buffer.from('{"kind":"loop"}'))).toThrow(/of no known kind/);
    expect(() => decodePlan(Buffer.from('?'))).toThrow(/cannot be read/);
  });

  it('is as deep as anybody needs', () => {
    expect(nested(50)).toBeInstanceOf(Workflow);
    expect(refusal(() => nested(51))).toMatch(/nested 51 levels deep; at most 50/);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['an empty chain', () => chain(), /A chain needs a step/],
    ['an empty group', () => (group as () => Workflow)(), /A group needs a member/],
    ['an empty list', () => group([]), /A group needs a member/],
    ['a step that is none', () => chain('add' as unknown as Step), /found the string "add". Write task/],
    ['a task without a name', () => task(''), /A task needs a name/],
    ['an argument that cannot travel', () => task('a', () => 1), /function cannot be an argument/],
    ['a uuid of its own', () => signature({ name: 'a', uuid: 'u' }), /gets its uuid from the workflow/],
    ['a chord of no group', () => chord(task('a'), task('b')), /must be a group.*found a task/],
    ['an unknown option', () => group([task('a')], { mod: 'fail-fast' } as object), /no option "mod"/],
    ['a mode that is none', () => group([task('a')], { mode: 'whatever' as 'fail-fast' }), /"fail-fast" or "all-settled"; found the string "whatever"/],
    ['a sendConcurrency that is none', () => group([task('a')], { sendConcurrency: 0 }), /from 1 to 10000; found the number 0/],
    ['a stream in the middle', () => chain(task('a'), group([task('b')].values())), /only be what a workflow begins with/],
    ['a circle', () => { const circle: unknown[] = []; circle.push(circle); return task('a', circle); }, /circle|deep/],
  ])('refuses %s', (_title, make, text) => {
    expect(refusal(make)).toMatch(text);
  });

  it('is written with the methods of a provider', () => {
    const { sum } = signatures(Tasks);
    expect(chain(sum(2, 'x'), sum('y')).toString()).toBe('chain of 2\n  the_sum(..., 2, "x")\n  the_sum(..., "y")');
    expect(() => signatures(Tasks).notATask()).toThrow(/Tasks.notATask is no task/);
  });
});

describe('what travels', () => {
  it('names its step, and nothing else is taken for it', () => {
    const step = { workflow: WORKFLOW, path: '0.12.e0.3', plain: true };
    expect(referenceOf({ 'x-dispatcher-workflow': referenceText(step) })).toEqual(step);
    for (const text of ['', WORKFLOW, `${WORKFLOW} 1`, `${WORKFLOW} 0..1`, 'x 0', `${WORKFLOW} 0.x`]) expect(referenceOf({ 'x-dispatcher-workflow': text })).toBeUndefined();
    expect(referenceOf({ 'x-dispatcher-workflow': 5 })).toBeUndefined();
    expect(uuidOf({ workflow: WORKFLOW, path: '0.1' })).toBe(uuidOf({ workflow: WORKFLOW, path: '0.1' }));
    expect(new Set(['', 'a', 'b'].map((again) => uuidOf({ workflow: WORKFLOW, path: '0.1' }, again))).size).toBe(3);
  });

  it.each<[unknown, string, unknown]>([
    ['x', 'string', 'x'], [true, 'bool', true], [7, 'int', 7], [1.5, 'float64', 1.5], [7n, 'int64', 7n], [undefined, 'json', null],
    [[1n, undefined, { a: undefined, b: [undefined] }], 'json', [1n, null, { b: [null] }]],
  ])('a result becomes an argument (%#)', (result, type, value) => {
    expect(argumentOf(result)).toEqual({ type, value });
  });
});
