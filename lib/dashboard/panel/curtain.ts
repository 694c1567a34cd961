import { shortened } from '../../task/error-text.js';
import type { TaskArgument, TaskHeaders } from '../../task/task.js';
import type { TaskErrorRecord } from '../../index.js';
import { Redaction } from '../../inspection/redaction.js';
import type { ShownArgument, ShownArguments, ShownError } from '../answers.js';
import type { DashboardRedaction, ShownTask } from '../options.js';
import { exactText } from './exact-json.js';

/** What is left where a redaction failed: better nothing than what was to be hidden. */
const HIDDEN = '(hidden)';
/** Of all arguments together: in a list, and where one task is looked at. */
export const LISTED = 2_000;
export const LOOKED_AT = 200_000;
const MOST_ARGUMENTS = 200;
const LONGEST_MESSAGE = 4_000;
const LONGEST_STACK = 20_000;

/** Decides what people see of tasks, and how much of it. Nothing reaches the page but through here. */
export class Curtain {
  /** As where processes tell of their tasks: what stands under the name of a secret is none of anybody's business. */
  private readonly secrets = new Redaction();

  constructor(private readonly redaction: DashboardRedaction = {}) {}

  get hidesArguments(): boolean {
    return this.redaction.args !== undefined;
  }

  /** What a search may look into: nothing, where somebody decides what is seen. */
  searchable(args: readonly TaskArgument[] | undefined, task: ShownTask): string {
    return args === undefined || this.hidesArguments ? '' : exactText(this.redactedArgs(args, task) ?? null);
  }

  /** @param room how many characters */
  args(args: readonly TaskArgument[] | undefined, task: ShownTask, room: number, bytes?: number): ShownArguments {
    if (args === undefined) return bytes === undefined ? {} : { bytes };
    const shown = this.redactedArgs(args, task);
    if (shown === undefined) return { list: [{ type: 'hidden', text: HIDDEN }], redacted: true };
    const isChanged = shown !== args && exactText(shown) !== exactText(args);
    return { list: listed(shown, room), ...(isChanged ? { redacted: true } : {}) };
  }

  headers(headers: TaskHeaders | undefined, task: ShownTask): string | undefined {
    if (headers === undefined || Object.keys(headers).length === 0) return undefined;
    try {
      const told = this.secrets.headers(headers) ?? {};
      return shortened(exactText(this.redaction.headers?.(told, task) ?? told, 2), LONGEST_STACK);
    } catch {
      return HIDDEN;
    }
  }

  text(text: string, task: ShownTask, longest = LONGEST_MESSAGE): string {
    try {
      return shortened(String(this.redaction.text?.(text, task) ?? text), longest);
    } catch {
      return HIDDEN;
    }
  }

  error({ name, message, stack, cause }: TaskErrorRecord, task: ShownTask, withStack = true): ShownError {
    const whole = cause === undefined ? message : `${message} (caused by ${cause.name}: ${cause.message})`;
    return {
      name: this.text(name, task, 256), message: this.text(whole, task),
      ...(stack === undefined || !withStack ? {} : { stack: this.text(stack, task, LONGEST_STACK) }),
    };
  }

  private redactedArgs(args: readonly TaskArgument[], task: ShownTask): readonly TaskArgument[] | undefined {
    try {
      const told = this.secrets.args(args, { name: '', queue: '', ...task }) ?? [];
      const shown: unknown = this.redaction.args === undefined ? told : this.redaction.args(told, task);
      return Array.isArray(shown) ? shown as TaskArgument[] : undefined;
    } catch {
      return undefined;
    }
  }
}

function listed(args: readonly TaskArgument[], room: number): ShownArgument[] {
  let left = room;
  return args.slice(0, MOST_ARGUMENTS).map(({ type, value }) => {
    const text = exactText(value);
    const shown = text.slice(0, Math.max(0, left));
    left -= shown.length;
    return { type: String(type), text: shown, ...(shown.length < text.length ? { cut: true } : {}) };
  });
}
