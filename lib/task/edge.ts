import { InvalidTaskError } from '../errors.js';
import { keyOfArguments } from './argument-path.js';
import { type EdgeChoice, type EdgeKind, edgeProblem, type EdgeRequest, type EdgeSpec, edgeSpec } from './edge-options.js';
import { messageOf } from './error-text.js';
import type { TaskArgument, TaskInput } from './task.js';
import { canonical } from './unique.js';

/** Those of a task that say how it shares a window, or that it is published in spite of one. */
type Asked = Pick<TaskInput, 'name' | 'debounce' | 'throttle' | 'unique' | 'delaySeconds' | 'eta' | 'expiresInSeconds'>;

/**
 * @param storedKey from a task's name and a text to the key in the shared state
 * @returns `undefined` for a task without a key, which is published as any other
 * @throws InvalidTaskError
 */
export function edgeRequest(input: Asked, args: readonly TaskArgument[], storedKey: ((name: string, text: string) => string) | undefined): EdgeRequest | undefined {
  const choice = choiceOf(input);
  if (choice === undefined) return undefined;
  const { name } = input;
  if (storedKey === undefined) throw refusal(name, 'it cannot be debounced or throttled here: what comes back from the dead letters is published as it was');
  const kind: EdgeKind = 'debounce' in choice ? 'debounce' : 'throttle';
  const spec = edgeSpec(choice);
  const beside = contradiction(input, spec);
  if (beside !== undefined) throw refusal(name, `it has ${kind} and ${beside}`);
  const { by } = 'debounce' in choice ? choice.debounce : choice.throttle;
  const values = args.map(({ value }) => value);
  const text = by === undefined ? `args:${canonical(values)}` : keyText(() => keyOfArguments(by, values, { task: name, option: `${kind}.by` }), name, kind);
  return text === undefined ? undefined : { ...spec, key: storedKey(name, text) };
}

/** @throws InvalidTaskError where both are asked for, or one cannot work */
function choiceOf({ name, debounce, throttle }: Asked): EdgeChoice | undefined {
  const asked = [['debounce', debounce], ['throttle', throttle]] as const;
  for (const [kind, options] of asked) {
    const problem = options === undefined || options === false ? undefined : edgeProblem(kind, options);
    if (problem !== undefined) throw refusal(name, problem);
  }
  if (debounce && throttle) throw refusal(name, 'it has debounce and throttle: give one of them');
  if (debounce) return { debounce };
  return throttle ? { throttle } : undefined;
}

/** What says otherwise when it runs, or whether. */
function contradiction({ unique, delaySeconds, eta, expiresInSeconds }: Asked, { trailing }: EdgeSpec): string | undefined {
  if (unique !== undefined && unique !== false) return 'unique: both say of which tasks only one is taken. Give one of them, or unique: false';
  if (delaySeconds !== undefined || eta !== undefined) return `${eta === undefined ? 'delaySeconds' : 'eta'}: when it runs, its window says. Give one of them`;
  if (trailing && expiresInSeconds !== undefined) return 'expiresInSeconds: those that leave it their arguments could not tell whether it still runs. Leave it out, or say trailing: false';
  return undefined;
}

function keyText(ask: () => string | undefined, name: string, kind: EdgeKind): string | undefined {
  let key: string | undefined;
  try {
    key = ask();
  } catch (error) {
    throw new InvalidTaskError(`Task "${name}": ${kind}.by did not lead to a key: ${messageOf(error)}`, { task: name }, error);
  }
  return key === undefined ? undefined : `key:${key}`;
}

function refusal(task: string, problem: string): InvalidTaskError {
  return new InvalidTaskError(`Task "${task}": ${problem}.`, { task });
}
