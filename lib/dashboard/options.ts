import type { IncomingMessage } from 'node:http';
import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { callable, listOfTexts, trueOrFalse, type OptionKind } from '../task/option-kinds.js';
import { checkOptions, type OptionTable } from '../task/options.js';
import type { TaskArgument, TaskHeaders } from '../task/task.js';
import type { AuditEntry } from './answers.js';

/** Who looks at the dashboard. @publicApi */
export interface DashboardUser {
  /** Stands beside everything that this person does. */
  readonly name: string;
  readonly [more: string]: unknown;
}

/**
 * Who it is; or nobody (401); or where to send a browser that is to sign in first; or what it is to ask for, as the value
 * of `WWW-Authenticate`: `{ challenge: 'Basic realm="tasks"' }`.
 *
 * @publicApi
 */
export type DashboardAuthentication = DashboardUser | { readonly redirect: string } | { readonly challenge: string } | undefined | null | false;

/** What somebody is about to do. @publicApi */
export interface DashboardAccess {
  readonly role: 'look' | 'act';
  /** The name of the dispatcher. */
  readonly dispatcher: string;
  /** Where the role is `act`: which action, such as `pause`. Absent where it is asked whether there is any. */
  readonly action?: string;
}

/** Of which task something is about to be shown. @publicApi */
export interface ShownTask {
  readonly name?: string;
  readonly queue?: string;
}

/**
 * What people may see of tasks: each function returns what is shown in place of what it is given. One that throws hides
 * it. Arguments that were changed cannot be edited, nor searched.
 *
 * @publicApi
 */
export interface DashboardRedaction {
  args?(args: readonly TaskArgument[], task: ShownTask): readonly TaskArgument[];
  headers?(headers: TaskHeaders, task: ShownTask): TaskHeaders;
  /** Messages and stacks of errors, lines of logs, the text of progress. */
  text?(text: string, task: ShownTask): string;
}

/** @publicApi */
export interface DashboardOptions {
  /** Where it is served, behind the application's global prefix if there is one. Default: `/dispatcher`. */
  readonly path?: string;
  /** Asked for every request. Required, unless `insecure` is true. */
  readonly authenticate?: (request: IncomingMessage) => DashboardAuthentication | Promise<DashboardAuthentication>;
  /** Whether this user may. Default: whoever is known may look and act. */
  readonly authorize?: (user: DashboardUser, access: DashboardAccess) => boolean | Promise<boolean>;
  /** Default: everything is shown. */
  readonly redact?: DashboardRedaction;
  /** Nobody acts. Default: false. */
  readonly readOnly?: boolean;
  /** The names of the dispatchers to be shown. Default: all of the application. */
  readonly dispatchers?: readonly string[];
  /** Nobody is asked who they are, and only connections from this very machine are answered. For development. Default: false. */
  readonly insecure?: boolean;
  /** Told of everything that somebody did, beside the log. Default: nobody. */
  readonly audit?: (entry: AuditEntry) => unknown;
}

/** With what is left out filled in. */
export type CheckedOptions = DashboardOptions & Required<Pick<DashboardOptions, 'path' | 'readOnly' | 'insecure'>>;

const path: OptionKind = {
  expected: "a path such as '/dispatcher', of letters, digits, '.', '_', '~', '-' and '/'",
  fits: (value) => typeof value === 'string' && /^(\/[\w.~-]+)+$/.test(value) && !/\/\.\.?(\/|$)/.test(value),
};
const redact: OptionKind = { expected: 'an object of functions: args, headers, text', fits: (value) => typeof value === 'object' && value !== null };
const OPTIONS: OptionTable<DashboardOptions> = {
  path, authenticate: callable, authorize: callable, redact, readOnly: trueOrFalse, dispatchers: listOfTexts, insecure: trueOrFalse, audit: callable,
};
const REDACTIONS: OptionTable<DashboardRedaction> = { args: callable, headers: callable, text: callable };
const EXAMPLE = "{ authenticate: (request) => users.ofSession(request) }";

/** @throws ConfigurationError for what cannot work, and for a dashboard that would be open to everybody */
export function checkDashboardOptions(options: DashboardOptions | undefined): CheckedOptions {
  const checked = checkOptions<DashboardOptions>(options ?? {}, OPTIONS, { of: 'DispatcherDashboardModule.forRoot', example: EXAMPLE });
  const { authenticate, insecure = false, readOnly = false } = checked;
  if (checked.redact !== undefined) checkOptions<DashboardRedaction>(checked.redact, REDACTIONS, { of: 'redact of the dashboard', example: '{ args: (args) => args }' });
  if (authenticate === undefined && !insecure) {
    throw new ConfigurationError(
      `The dashboard shows arguments and errors of tasks, and acts on queues: it needs to know who asks. Write DispatcherDashboardModule.forRoot(${EXAMPLE}); `
      + 'or, on a machine of your own, { insecure: true }, which answers connections from this very machine alone.');
  }
  if (authenticate !== undefined && insecure) {
    throw new ConfigurationError(`Of authenticate and insecure: true only one can be meant; found both. Leave out insecure where others are to reach the dashboard.`, { found: display(insecure) });
  }
  return { ...checked, path: checked.path ?? '/dispatcher', insecure, readOnly };
}
