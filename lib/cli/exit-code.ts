import { CommanderError } from 'commander';
import { BrokerRefusedError, BrokerUnavailableError, ConfigurationError, DispatcherError, InvalidTaskError, ResultBackendRefusedError, ResultBackendUnavailableError } from '../errors.js';
import { InterruptedError, RefusedError, UsageError } from './failures.js';

/** What the program ends with: for scripts, so it never changes. */
export const ExitCode = {
  ok: 0,
  refused: 1,
  usage: 2,
  unreachable: 3,
  forbidden: 4,
  timeout: 5,
  defect: 70,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** As the documentation and `--help` tell them. */
export const EXIT_CODES: readonly (readonly [ExitCode, string])[] = [
  [ExitCode.ok, 'done'],
  [ExitCode.refused, 'refused, not found, not confirmed, or failed; of `doctor`: something is wrong; of `contract diff`: something breaks'],
  [ExitCode.usage, 'wrong usage: the command, its options or the configuration'],
  [ExitCode.unreachable, 'the broker, or the result backend, cannot be reached'],
  [ExitCode.forbidden, 'the broker refuses the credentials, or a right is missing'],
  [ExitCode.timeout, 'not done within the time given'],
  [ExitCode.defect, 'a defect of this program'],
  [ExitCode.interrupted, 'interrupted by Ctrl-C'],
  [ExitCode.terminated, 'ended by SIGTERM'],
];

const TIMEOUTS: readonly string[] = ['ERR_DISPATCHER_DRAIN_TIMEOUT', 'ERR_DISPATCHER_RESULT_WAIT_TIMEOUT', 'ERR_DISPATCHER_PUBLISH_TIMEOUT', 'ERR_DISPATCHER_RESULT_BACKEND_TIMEOUT'];

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof InterruptedError) return error.signal === 'SIGINT' ? ExitCode.interrupted : ExitCode.terminated;
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  if (error instanceof UsageError || error instanceof ConfigurationError || error instanceof InvalidTaskError) return ExitCode.usage;
  if (error instanceof RefusedError) return ExitCode.refused;
  if (error instanceof BrokerUnavailableError || error instanceof ResultBackendUnavailableError) return ExitCode.unreachable;
  if (error instanceof BrokerRefusedError || error instanceof ResultBackendRefusedError) return ExitCode.forbidden;
  if (error instanceof DispatcherError) return TIMEOUTS.includes(error.code) ? ExitCode.timeout : ExitCode.refused;
  return ExitCode.defect;
}
