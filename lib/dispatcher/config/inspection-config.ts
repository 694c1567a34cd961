import { ConfigurationError } from '../../errors.js';
import type { EndedState } from '../../inspection/model.js';
import type { HistoryConfig, InspectionConfig, Redact } from '../../inspection/redaction.js';
import { display } from '../../task/argument-types.js';
import type { ServerConfig } from './server-config.js';
import { checkBoolean, refuseUnknown, requireObject } from './config-checks.js';

export interface ResolvedInspection {
  readonly enabled: boolean;
  readonly redact: Redact | undefined;
  readonly history: ResolvedHistory | undefined;
}

export interface ResolvedHistory {
  readonly keepMs: number;
  readonly states: ReadonlySet<EndedState>;
}

const DAY_MS = 86_400_000;
const MOST_DAYS = 90;
const STATES: readonly EndedState[] = ['succeeded', 'failed', 'retrying', 'cancelled', 'expired', 'dropped'];
const DEFAULT_STATES: readonly EndedState[] = ['failed', 'cancelled', 'expired'];

/** @throws ConfigurationError */
export function checkInspection(inspection: InspectionConfig | undefined, resultBackend: ServerConfig['resultBackend']): ResolvedInspection {
  if (inspection === undefined) return { enabled: true, redact: undefined, history: undefined };
  requireObject(inspection, 'inspection', '{ redact: (args, task) => args }');
  refuseUnknown(inspection, ['enabled', 'redact', 'history'], 'inspection');
  const { enabled, redact, history }: InspectionConfig = inspection;
  if (redact !== undefined && typeof redact !== 'function') throw new ConfigurationError(`inspection.redact must be a function (args, task) => args; found ${display(redact)}.`, { option: 'inspection.redact' });
  return { enabled: checkBoolean(enabled, 'inspection.enabled', true), redact, history: checkHistory(history, resultBackend) };
}

function checkHistory(history: HistoryConfig | undefined, resultBackend: ServerConfig['resultBackend']): ResolvedHistory | undefined {
  if (history === undefined) return undefined;
  requireObject(history, 'inspection.history', '{ keepDays: 7 }');
  refuseUnknown(history, ['keepDays', 'states'], 'inspection.history');
  const { keepDays, states = DEFAULT_STATES }: HistoryConfig = history;
  if (typeof keepDays !== 'number' || !(keepDays >= 1 && keepDays <= MOST_DAYS)) {
    throw new ConfigurationError(`inspection.history.keepDays must be a number of days from 1 to ${MOST_DAYS}; found ${display(keepDays)}.`, { option: 'inspection.history.keepDays' });
  }
  if (!Array.isArray(states) || states.length === 0 || !states.every((state: EndedState) => STATES.includes(state))) {
    throw new ConfigurationError(`inspection.history.states must be a list of ${STATES.join(', ')}; found ${display(states)}.`, { option: 'inspection.history.states' });
  }
  if (resultBackend === undefined || (typeof resultBackend === 'string' && /^amqps?(:|$)/.test(resultBackend))) {
    throw new ConfigurationError('inspection.history needs a store: name one as resultBackend, such as redis://localhost:6379/0.', { option: 'inspection.history' });
  }
  return { keepMs: keepDays * DAY_MS, states: new Set(states) };
}
