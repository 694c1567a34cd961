/**
 * The error tree. Every error of this library is a {@link DispatcherError}: it has a stable
 * `code`, says whether trying again can help, and its text names what was found, what was
 * expected and what to do next.
 *
 *     DispatcherError
 *       ConfigurationError        the configuration cannot work as written
 *       InvalidTaskError          a task or one of its arguments is not what its type says
 *         TaskTooLargeError       ... or is larger than may travel
 *         InvalidArgumentsError   its arguments are refused by a pipe of its handler
 *         StrictWireError         ... or would end or mislead a worker of gofort/dispatcher
 *         HeadersTooLargeError    ... or its headers are more than the connection to the broker takes
 *       UnknownTaskError          no handler has this name
 *       UnsupportedVersionError   no handler takes this version of a task
 *       InvalidContractError      a document that is no contract of tasks
 *       InvalidBodyError          bytes that are not a task in this format
 *         UnauthenticatedBodyError  ... or not what somebody with the key has written
 *         BodyKeyError              ... or need a key that is not here
 *         ClaimMissingError         ... or whose body is not in the claim store
 *       BrokerError               the broker refused or could not be reached
 *         BrokerUnavailableError  not connected, and waiting for it has its limits
 *         BrokerRefusedError      credentials, permissions, virtual host, TLS: an operator must act
 *         TopologyMismatchError   a queue or exchange exists with other properties
 *         UnroutableTaskError     no queue is bound to this routing key
 *         TaskRejectedError       the broker said no to this task (queue full, for one)
 *         PublishTimeoutError     no confirm in time; the task may still run
 *         PublishBufferFullError  too much is waiting to be published
 *       ResultBackendError        the result backend refused or could not be reached
 *         ResultBackendUnavailableError  not connected, or too much is waiting for it
 *         ResultBackendRefusedError      credentials, permissions, TLS: an operator must act
 *         ResultBackendTimeoutError      no answer in time; the operation may still happen
 *         ResultTooLargeError            a value larger than this backend can keep
 *         ResultBackendFullError         no room for more; what is in it can still be read, replaced and deleted
 *         ResultBackendUnsupportedError  this backend cannot do what was asked
 *       ClaimStoreError           a body could not be put into the claim store, and its task was not sent
 *       TaskFailedError           a task whose result was asked for has ended without one
 *       ResultWaitTimeoutError    the task has not ended in the time that the caller waits
 *       InvalidProgressError      a handler reported progress that is no fraction
 *       ScheduleExistsError       there is another schedule of this name
 *       UnknownScheduleError      there is no schedule of this name
 *       StepError                 a durable step that is not what it can be
 *         StepVersionError          ... or was recorded by another version of its code
 *         StepsLostError            ... or what was recorded of a task's steps is gone
 *       SignalTimeoutError        the signal that a task waited for has not come in time
 *       TaskSuspendedError        a handler is left, because its task waits; nothing has failed
 *       TaskTimeoutError          a handler overran its `timeoutSeconds`
 *       TaskCancelledError        a task was cancelled by its uuid
 *       TaskRemovedError          a task was taken away before it was run: purged, discarded, undeliverable
 *       ShutdownError             closing: no new work is taken
 *
 * @publicApi
 */
export class DispatcherError extends Error {
  constructor(
    /** Stable, for programs: `ERR_DISPATCHER_...`. */
    readonly code: string,
    message: string,
    /** What the text names, as data. */
    readonly fields: Readonly<Record<string, unknown>> = {},
    options: { cause?: unknown; retryable?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.retryable = options.retryable ?? false;
    // A code of somebody else is on no page of ours.
    if (code.startsWith(OWN_CODES)) this.help = `${HELP_PAGE}#${code.toLowerCase()}`;
  }

  /** True when the same call may succeed later with nothing changed. */
  readonly retryable: boolean;

  /** Where it is said what to do about it: a place in the documentation that comes with the package, from the application's folder. */
  readonly help?: string;
}

const OWN_CODES = 'ERR_DISPATCHER_';
const HELP_PAGE = 'node_modules/nestjs-dispatcher/docs/errors.md';

type Fields = Readonly<Record<string, unknown>>;

/** The configuration cannot work as written; the text says what to write instead. @publicApi */
export class ConfigurationError extends DispatcherError {
  constructor(message: string, fields?: Fields, cause?: unknown) {
    super('ERR_DISPATCHER_CONFIGURATION', message, fields, { cause });
  }
}

/** A task or one of its arguments is not what its type says. Never coerced: mend the caller. @publicApi */
export class InvalidTaskError extends DispatcherError {
  constructor(message: string, fields?: Fields, cause?: unknown, code = 'ERR_DISPATCHER_INVALID_TASK') {
    super(code, message, fields, { cause });
  }
}

/** A task larger than `maxTaskBytes`. @publicApi */
export class TaskTooLargeError extends InvalidTaskError {
  constructor(message: string, fields?: Fields) {
    super(message, fields, undefined, 'ERR_DISPATCHER_TASK_TOO_LARGE');
  }
}

/** A task with what ends or misleads a worker of gofort/dispatcher, on its way to where one may read it: see `wire`. @publicApi */
export class StrictWireError extends InvalidTaskError {
  constructor(message: string, fields?: Fields) {
    super(message, fields, undefined, 'ERR_DISPATCHER_STRICT_WIRE');
  }
}

/**
 * The arguments of a task cannot be what its handler takes: what a pipe finds becomes one, and a pipe or handler may throw
 * it. The task is a dead letter at once, with the reason `invalid-arguments` and all issues. @publicApi
 */
export class InvalidArgumentsError extends InvalidTaskError {
  /** @param issues one text for each thing that is wrong; a mended caller sends another task */
  constructor(message: string, readonly issues: readonly string[] = [message], fields?: Fields, cause?: unknown) {
    super(message, { ...fields, issues }, cause, 'ERR_DISPATCHER_INVALID_ARGUMENTS');
  }
}

/** Headers and properties of a task beyond what this connection to the broker takes: `fields` has `bytes` and `maxBytes`. @publicApi */
export class HeadersTooLargeError extends InvalidTaskError {
  declare readonly fields: Readonly<Record<string, unknown>> & { readonly bytes: number; readonly maxBytes: number };

  constructor(message: string, fields: Readonly<Record<string, unknown>> & { readonly bytes: number; readonly maxBytes: number }) {
    super(message, fields, undefined, 'ERR_DISPATCHER_HEADERS_TOO_LARGE');
  }
}

/** No handler of this worker has this name. @publicApi */
export class UnknownTaskError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_UNKNOWN_TASK', message, fields);
  }
}

/** A task of this name is known, and no handler takes its version, nor upgrades from it. @publicApi */
export class UnsupportedVersionError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_UNSUPPORTED_VERSION', message, fields);
  }
}

/** A document that is no contract of tasks, or one of a version that is not known here. @publicApi */
export class InvalidContractError extends DispatcherError {
  constructor(message: string, fields?: Fields, cause?: unknown) {
    super('ERR_DISPATCHER_INVALID_CONTRACT', message, fields, { cause });
  }
}

/** Bytes that are not a task in this format. @publicApi */
export class InvalidBodyError extends DispatcherError {
  constructor(message: string, fields?: Fields, cause?: unknown, code = 'ERR_DISPATCHER_INVALID_BODY') {
    super(code, message, fields, { cause });
  }
}

/**
 * A message whose encryption or signature does not fit, or that has none where one is required: it was changed, belongs to
 * another task, or comes from somebody without the key. @publicApi
 */
export class UnauthenticatedBodyError extends InvalidBodyError {
  constructor(message: string, fields?: Fields) {
    super(message, fields, undefined, 'ERR_DISPATCHER_UNAUTHENTICATED');
  }
}

/** The body of a message is not in the claim store, or there is no such store here. @publicApi */
export class ClaimMissingError extends InvalidBodyError {
  constructor(message: string, fields?: Fields) {
    super(message, fields, undefined, 'ERR_DISPATCHER_CLAIM_MISSING');
  }
}

/** The claim store did not take a body: nothing was sent. @publicApi */
export class ClaimStoreError extends DispatcherError {
  constructor(message: string, fields?: Fields, cause?: unknown) {
    super('ERR_DISPATCHER_CLAIM_STORE', message, fields, { cause, retryable: true });
  }
}

/** A message is encrypted or signed with a key that this process does not have. @publicApi */
export class BodyKeyError extends InvalidBodyError {
  constructor(message: string, fields?: Fields) {
    super(message, fields, undefined, 'ERR_DISPATCHER_NO_KEY');
  }
}

/** A message of another system asks for something that cannot be done here as it is meant, such as a chord that its own result backend counts. @publicApi */
export class UnsupportedTaskError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_UNSUPPORTED', message, fields);
  }
}

/** The broker refused, or could not be reached. @publicApi */
export class BrokerError extends DispatcherError {}

/** Not connected, and waiting for the broker has reached its limit. @publicApi */
export class BrokerUnavailableError extends BrokerError {
  constructor(message: string, fields?: Fields, cause?: unknown) {
    super('ERR_DISPATCHER_BROKER_UNAVAILABLE', message, fields, { cause, retryable: true });
  }
}

/** The broker answered and said no to us: credentials, permissions, virtual host, certificate. @publicApi */
export class BrokerRefusedError extends BrokerError {
  constructor(message: string, fields?: Fields, cause?: unknown) {
    super('ERR_DISPATCHER_BROKER_REFUSED', message, fields, { cause });
  }
}

/** A queue or exchange exists already, with other properties than those asked for. @publicApi */
export class TopologyMismatchError extends BrokerError {
  constructor(message: string, fields?: Fields, cause?: unknown) {
    super('ERR_DISPATCHER_TOPOLOGY_MISMATCH', message, fields, { cause });
  }
}

/** No queue is bound to the task's routing key (or the named queue does not exist). @publicApi */
export class UnroutableTaskError extends BrokerError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_UNROUTABLE', message, fields);
  }
}

/** The broker refused this task, after further tries: a full queue with `reject-publish`, for one. @publicApi */
export class TaskRejectedError extends BrokerError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_REJECTED', message, fields, { retryable: true });
  }
}

/** No confirm within the limit. The outcome is unknown: the task may still run. @publicApi */
export class PublishTimeoutError extends BrokerError {
  constructor(message: string, fields?: Fields, cause?: unknown) {
    super('ERR_DISPATCHER_PUBLISH_TIMEOUT', message, fields, { cause, retryable: true });
  }
}

/** More is waiting to be published than the configured bounds allow. @publicApi */
export class PublishBufferFullError extends BrokerError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_PUBLISH_BUFFER_FULL', message, fields, { retryable: true });
  }
}

/** The result backend refused, or could not be reached. @publicApi */
export class ResultBackendError extends DispatcherError {
  constructor(message: string, fields?: Fields, cause?: unknown, code = 'ERR_DISPATCHER_RESULT_BACKEND', retryable = false) {
    super(code, message, fields, { cause, retryable });
  }
}

/** Not connected, or too many operations are waiting already. One that was under way when the connection broke may have happened. @publicApi */
export class ResultBackendUnavailableError extends ResultBackendError {
  constructor(message: string, fields?: Fields, cause?: unknown) {
    super(message, fields, cause, 'ERR_DISPATCHER_RESULT_BACKEND_UNAVAILABLE', true);
  }
}

/** The result backend answered and said no to us: credentials, permissions, certificate. @publicApi */
export class ResultBackendRefusedError extends ResultBackendError {
  constructor(message: string, fields?: Fields, cause?: unknown) {
    super(message, fields, cause, 'ERR_DISPATCHER_RESULT_BACKEND_REFUSED');
  }
}

/** No answer of the result backend within the limit. The outcome is unknown: it may still happen. @publicApi */
export class ResultBackendTimeoutError extends ResultBackendError {
  constructor(message: string, fields?: Fields, cause?: unknown) {
    super(message, fields, cause, 'ERR_DISPATCHER_RESULT_BACKEND_TIMEOUT', true);
  }
}

/** A value is larger than this result backend can keep, or than `maxResultBytes`. @publicApi */
export class ResultTooLargeError extends ResultBackendError {
  constructor(message: string, fields?: Fields, cause?: unknown) {
    super(message, fields, cause, 'ERR_DISPATCHER_RESULT_TOO_LARGE');
  }
}

/** The result backend has no room for more until something expires or is deleted. @publicApi */
export class ResultBackendFullError extends ResultBackendError {
  constructor(message: string, fields?: Fields, cause?: unknown) {
    super(message, fields, cause, 'ERR_DISPATCHER_RESULT_BACKEND_FULL', true);
  }
}

/** This result backend cannot do what was asked. @publicApi */
export class ResultBackendUnsupportedError extends ResultBackendError {
  constructor(message: string, fields?: Fields) {
    super(message, fields, undefined, 'ERR_DISPATCHER_RESULT_BACKEND_UNSUPPORTED');
  }
}

/**
 * A task whose result was asked for has ended without one. `cause` is the handler's error as it was
 * recorded (name, message, stack); `fields` has `uuid`, `task`, `state` and `attempt`.
 * @publicApi
 */
export class TaskFailedError extends DispatcherError {
  constructor(message: string, fields?: Fields, cause?: unknown) {
    super('ERR_DISPATCHER_TASK_FAILED', message, fields, { cause });
  }
}

/** The task has not ended in the time that the caller waits. It goes on; ask again. @publicApi */
export class ResultWaitTimeoutError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_RESULT_WAIT_TIMEOUT', message, fields, { retryable: true });
  }
}

/** `context.progress` got something else than a number from 0 to 1. @publicApi */
export class InvalidProgressError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_INVALID_PROGRESS', message, fields);
  }
}

/** A batch handler has said nothing of a task, two things, or something that is no outcome. @publicApi */
export class BatchOutcomeError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_BATCH_OUTCOME', message, fields);
  }
}

/** There is a schedule of this name already, and it is another one. @publicApi */
export class ScheduleExistsError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_SCHEDULE_EXISTS', message, fields);
  }
}

/** No schedule of this name is known here. @publicApi */
export class UnknownScheduleError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_UNKNOWN_SCHEDULE', message, fields);
  }
}

/** A handler ran longer than its task's `timeoutSeconds`. The reason of its `AbortSignal`. @publicApi */
export class TaskTimeoutError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_TASK_TIMEOUT', message, fields);
  }
}

/**
 * A durable step is not what it can be: two of one name in a run, a wait that is now a step, a result that cannot be kept.
 * Mend the handler. @publicApi
 */
export class StepError extends DispatcherError {
  constructor(message: string, fields?: Fields, cause?: unknown, code = 'ERR_DISPATCHER_STEP') {
    super(code, message, fields, { cause });
  }
}

/** A step was recorded by another version of its code, see `version` of a step. The task is a dead letter at once. @publicApi */
export class StepVersionError extends StepError {
  constructor(message: string, fields?: Fields) {
    super(message, fields, undefined, 'ERR_DISPATCHER_STEP_VERSION');
  }
}

/** A task was to go on, and what was recorded of its steps is gone. Its replay begins from the beginning. @publicApi */
export class StepsLostError extends StepError {
  constructor(message: string, fields?: Fields) {
    super(message, fields, undefined, 'ERR_DISPATCHER_STEPS_LOST');
  }
}

/** The signal that a task waited for has not come in time. @publicApi */
export class SignalTimeoutError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_SIGNAL_TIMEOUT', message, fields);
  }
}

/**
 * With it a wait leaves the handler: the task goes on later, from its beginning, with the results of its steps. Nothing
 * has failed. Let it pass: `finally` is for what has to be put down. @publicApi
 */
export class TaskSuspendedError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_SUSPENDED', message, fields, { retryable: true });
  }
}

/** The task was cancelled by its uuid. The reason of a running handler's `AbortSignal`. @publicApi */
export class TaskCancelledError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_CANCELLED', message, fields);
  }
}

/** The task was taken away before it was run: purged, discarded, or not deliverable when it was due. @publicApi */
export class TaskRemovedError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_TASK_REMOVED', message, fields);
  }
}

/** The dispatcher is closing and takes no new work. @publicApi */
export class ShutdownError extends DispatcherError {
  constructor(message: string, fields?: Fields) {
    super('ERR_DISPATCHER_SHUTDOWN', message, fields, { retryable: true });
  }
}
