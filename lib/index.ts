export { ERROR_CODES, type ErrorCode } from './error-codes.js';
export * from './errors.js';
export type { BodyKey, BuiltInCompression, Compression, CompressionConfig, CompressionName, KeysConfig } from './bodies/body-options.js';
export { marshalled, type MarshalledOptions } from './formats/marshalled/marshalled-format.js';
export type { ArgumentCodec, Marshaller } from './formats/marshalled/marshaller.js';
export { CLAIM_KEY, type ClaimStore } from './claims/claim-store.js';
export { folderClaims } from './claims/folder-claims.js';
export type {
  Address as BrokerAddress, BeforeRemoval, BeforeUndelivered, Broker, BrokerEvent, BrokerState, BrokerStatus, BrowseAnswer, BrowsedMessage, BrowseOptions, BrowseResult, BrowseVisit, ConsumeOptions, Consumption, Delivery,
  Message, MessageProperties, PublishOptions as BrokerPublishOptions, QueueDeclaration, QueueType, QueueTypeOption, Replies, SignalSubscription, Topology,
} from './brokers/broker.js';
export { MOST_BROWSED, MOST_BROWSED_BYTES, RECEIVED } from './brokers/broker.js';
export { keyWithoutLevel } from './task/queue-lines.js';
export { type Undelivered, undeliveredHeaders, undeliveredQueueOf } from './task/undelivered.js';
export type { BrokerSettings, OwnBroker } from './dispatcher/config/own-broker.js';
export type { Broken, ContractChange } from './contract/compare/change.js';
export { compareContracts } from './contract/compare/compare-contracts.js';
export { toAsyncApi, type AsyncApiDocument } from './contract/asyncapi/to-asyncapi.js';
export type { ArgumentContract, Contract, JsonSchema, TaskContract, TaskContractOptions } from './contract/model.js';
export { clientFile } from './contract/types/client-file.js';
export { contractText, readContract, type ContractFormat } from './contract/text.js';
export type { CancelOptions } from './control/cancellation.js';
export type { Pause, PauseKind, PauseOptions, PauseTarget } from './control/pause.js';
export type { WorkerLimit } from './control/worker-limit.js';
export type { DrainOptions, DrainProgress } from './control/drain.js';
export type { DeadLetter, DeadLetterConditions, DeadLetterFilter, DeadLetterReason } from './dead-letters/dead-letter.js';
export type { DeadLetters } from './dead-letters/dead-letters.js';
export type { DeadLetterCount, DeadLetterPage, ReplaySummary } from './dead-letters/dead-letter-queues.js';
export type { BulkOptions, DeadLetterBounds, DeadLetterListOptions, ReplayAllOptions, ReplayOptions } from './dead-letters/options.js';
export type { AbsenceEvent, CircuitEvent, DeadReason, DispatcherEvent, MiddlewareEvent, ScheduleEvent, PublishEvent, TaskFlowEvent, TaskIdentity, WorkerEvent, WorkflowEvent } from './events/dispatcher-event.js';
export type { ActionEvent, ActionFacts, ActionName } from './events/action-event.js';
export type { EventFilter, EventOf } from './events/event-filter.js';
export type { EventLevel, EventOrigin, EventStamp, StampedEvent } from './events/event-stamp.js';
export type { FollowedEvent, FollowedTask } from './inspection/following/followed-event.js';
export type { FollowFilter } from './inspection/following/follow-filter.js';
export type { SignalOptions } from './dispatcher/signals.js';
export type { SignalOutcome } from './task/signal-outcome.js';
export type { ReleaseOptions } from './dispatcher/unique-keys.js';
export type { ContractDifference, ContractReport } from './inspection/contract-report.js';
export type { Inspection } from './inspection/inspection.js';
export type { InspectOptions, InspectTaskOptions, ListOptions, LocksFilter, OverviewOptions, TasksFilter } from './inspection/inspect-options.js';
export type {
  ActionFilter, ActionInfo, DelayedReport, Durations, EndedState, EndedTaskInfo, FailureGroup, FailureNote, LockInfo, LogLine, OverviewReport, ProcessInfo, QueueInfo, QueueMinute, QueuesReport, RunningTaskInfo, RunTotals, TaskFilter, TaskInfo, TaskPlaceInfo, TasksReport, WaitingReport, WaitingTaskInfo,
  TaskStats, Whereabouts, WorkerInfo,
} from './inspection/model.js';
export type { WorkflowFilter, WorkflowInfo, WorkflowPage } from './workflows/workflow-info.js';
export type { HistoryConfig, InspectionConfig, Redact } from './inspection/redaction.js';
export type { TaskSchema } from './task/argument-schema.js';
export type { ArgumentType, ScalarType } from './task/argument-types.js';
export type { WireOption } from './task/wire.js';
export { cloudEventsFormat, type CloudEventsOptions } from './formats/cloudevents.js';
export type { ArrivedMessage, ComposedMessage, ComposedPlan, ComposedTask, EncodedTask, FollowedEnd, FollowUp, FollowUpSurroundings, Format, NextAttempt } from './formats/format.js';
export type { BuiltInFormat, FormatName } from './task/format-name.js';
export type { BuiltInIdMaker, IdentifiedTask, IdMaker, IdMakerName } from './task/id-maker.js';
export type { Priority } from './task/priority.js';
export type { Backoff, RetryOptions, RetryPolicy } from './task/retry-policy.js';
export type { ArrivedAs, HeaderValue, SendOptions, Task as TaskMessage, TaskArgument, TaskHeaders, TaskInput } from './task/task.js';
export type { DebounceOptions, EdgeOptions, EdgeOutcome, ThrottleOptions } from './task/edge-options.js';
export type { OrderOptions } from './task/order-options.js';
export type { UniqueOptions, UniqueOutcome, UniqueScope } from './task/unique-options.js';
export { GiveUp, RetryLater, SucceedEarly } from './task/verdicts.js';
export type { MissedTicks } from './schedules/due-ticks.js';
export type {
  FiringOutcome, ScheduledTask, ScheduledTaskOptions, ScheduleFiring, ScheduleInfo, ScheduleInput, SchedulePause, ScheduleSource, ScheduleTiming, TaskSchedule,
} from './schedules/schedule.js';
export type { Schedules } from './schedules/schedules.js';
export { carryContext, type CarriedContext, type CarriedContextOptions } from './dispatcher/carried-context.js';
export { circuitBreaker, type CircuitBreakerOptions } from './worker/circuit/circuit-breaker.js';
export type { FailedAttempt } from './worker/attempt-history.js';
export type { RunOptions, TaskDefinition, TaskMap, TaskUpgrades } from './worker/handler.js';
export type { BuiltInInvoker, InvokedCall, Invoker, InvokerName } from './worker/invoker.js';
export type { RunMiddleware, RunMiddlewareInput, TaskMiddleware } from './worker/middleware.js';
export { currentTask, type TaskLogger } from './worker/task-context.js';
// With a star: only then can an application extend it by declaration merging.
export * from './worker/task-state.js';
export type { BatchMiddleware } from './worker/batches/batch-call.js';
export type { BatchOptions } from './worker/batches/batch-options.js';
export type { BatchContext, BatchedTask } from './worker/batches/batched-task.js';
export type { ArgumentKey } from './task/argument-key.js';
export type { KeyLimits, RateLimit, TaskLimitOptions } from './worker/limits/limit-options.js';
export type { SleepTime, StepOptions, WaitOptions } from './worker/steps/step-options.js';
export type { Entrance, TaskEnd, TaskGate, TaskVisit } from './worker/gates/task-gate.js';
export type { WorkerActivity } from './worker/worker.js';
export type { WorkerConfig } from './worker/worker-config.js';
export type { GroupMode } from './workflows/plan-node.js';
export { PublishedWorkflow } from './workflows/published-workflow.js';
export type { StepProgress, StepStatus, WorkflowProgress } from './workflows/workflow-progress.js';
export type { WorkflowOptions } from './workflows/workflow-publisher.js';
export type { WorkflowStatus } from './workflows/workflow-state.js';
export {
  chain, chord, group, signature, task, TaskSignature, Workflow, type GroupOptions, type Step, type StepSource,
} from './workflows/workflow.js';
export { DispatcherModule } from './nest/dispatcher.module.js';
export { DispatcherService } from './nest/dispatcher.service.js';
export type { ActionOptions, CancelActionOptions, DeadLetterSelection, ReplayActionOptions } from './dispatcher/actions/action-options.js';
export type { ActionItem, ActionResult } from './dispatcher/actions/action-result.js';
export type { Actions } from './dispatcher/actions/actions.js';
export type { ContractAbout } from './dispatcher/contracting/contract-about.js';
export type { EventListening } from './dispatcher/events/event-listening.js';
export { getDispatcherToken, InjectDispatcher } from './nest/dispatcher-token.js';
export { isDispatcherContext } from './nest/handlers/is-dispatcher-context.js';
export type { DispatcherHealth } from './dispatcher/health.js';
export type { DispatcherDestination } from './dispatcher/destination.js';
export type { DispatcherExtension } from './dispatcher/extension.js';
export type { TaskOrigin } from './dispatcher/publishing/task-origin.js';
export { Arg, type ArgumentOptions, Args, TaskContext, TaskUuid } from './nest/parameter.decorators.js';
export type { OutgoingTask, PublishMiddleware, PublishMiddlewareInput, TaskPublishMiddleware } from './dispatcher/publishing/publish-middleware.js';
export type { Report } from './dispatcher/results/reports.js';
export type { ForeignSystem, PublishedChord } from './dispatcher/publishing/foreign-system.js';
export type { ResultOptions, TaskHandle } from './dispatcher/results/task-results.js';
export type { FinalState, TaskOutcome, TaskResult, TaskState as ResultState, TimelineEntry } from './results/task-result.js';
export type { TaskErrorRecord } from './results/task-error-record.js';
export type {
  Claim as StateClaim, ExpiryOptions as StateExpiryOptions, Member as StateMember, MemberCount as StateMemberCount, ResultBackendEvent, StateBackend, StateBackendCapabilities, StateBackendEvent, StateBackendState, StateBackendStatus, StopWatching,
} from './state/state-backend.js';
export type { LedgerOptions } from './state/amqp/ledger-options.js';
export type { KeepTask, KeptTask, TaskKeeper } from './dispatcher/publishing/kept-task.js';
export type { PublishedTask, PublishOutcome } from './dispatcher/publishing/published-task.js';
export type { ForeignResultsConfig, ForeignResultsOptions } from './dispatcher/config/foreign-results-config.js';
export type { DispatcherRole, EnhancerScope, ClaimCheckConfig, MiddlewareConfig, QueueConfig, ServerConfig, StartupMode } from './dispatcher/config/server-config.js';
export type { LogTarget } from './dispatcher/events/log-target.js';
export type { DispatcherModuleExtras, DispatcherOptionsFactory } from './nest/module-options.js';
export type { ThreadsConfig } from './dispatcher/config/threads-config.js';
export { DispatcherContractModule, type DispatcherContractOptions } from './nest/contract/contract.module.js';
export type { ContractClient, ContractRoute } from './nest/contract-client.js';
export type { Injected, Parsed, ResultOf, ResultValue, SentArguments, SentTo, TaskClient } from './nest/task-client.js';
export { signatures, type TaskSignatures } from './nest/task-signatures.js';
export { Task } from './nest/task.decorator.js';
export type { TaskCall } from './task/named-task.js';
export { Tasks } from './nest/task-marks.js';
export type { DispatcherFeature } from './nest/features.js';
export type { TaskOptions, TaskPlace } from './dispatcher/config/task-options.js';
export type { DispatcherWorker } from './dispatcher/worker-registry.js';
