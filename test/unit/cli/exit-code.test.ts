import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { EXIT_CODES, ExitCode, exitCodeOf } from '../../../lib/cli/exit-code.js';
import { InterruptedError, RefusedError, UsageError } from '../../../lib/cli/failures.js';
import {
  BrokerRefusedError, BrokerUnavailableError, ConfigurationError, DispatcherError, InvalidTaskError, PublishTimeoutError, ResultBackendUnavailableError, ResultWaitTimeoutError, TaskFailedError, UnroutableTaskError,
} from '../../../lib/errors.js';

describe('the exit code', () => {
  it.each([
    [new UsageError('x'), 2], [new CommanderError(1, 'commander.unknownOption', 'x'), 2], [new CommanderError(0, 'commander.helpDisplayed', 'x'), 0],
    [new ConfigurationError('x'), 2], [new InvalidTaskError('x'), 2], [new RefusedError('x'), 1], [new UnroutableTaskError('x'), 1], [new TaskFailedError('x'), 1],
    [new BrokerUnavailableError('x'), 3], [new ResultBackendUnavailableError('x'), 3], [new BrokerRefusedError('x'), 4],
    [new PublishTimeoutError('x'), 5], [new ResultWaitTimeoutError('x'), 5], [new DispatcherError('ERR_DISPATCHER_DRAIN_TIMEOUT', 'x'), 5], [new DispatcherError('ERR_OTHER', 'x'), 1],
    [new InterruptedError('SIGINT'), 130], [new InterruptedError('SIGTERM'), 143], [new TypeError('x'), 70], ['text', 70],
  ])('of %o is %d', (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });

  it('is documented, each', () => {
    expect(EXIT_CODES.map(([code]) => code)).toEqual(Object.values(ExitCode));
  });
});
