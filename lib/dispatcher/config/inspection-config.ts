import { ConfigurationError } from '../../errors.js';
import type { InspectionConfig, Redact } from '../../inspection/redaction.js';
import { display } from '../../task/argument-types.js';
import { checkBoolean, refuseUnknown, requireObject } from './config-checks.js';

export interface ResolvedInspection {
  readonly enabled: boolean;
  readonly redact: Redact | undefined;
}

/** @throws ConfigurationError */
export function checkInspection(inspection: InspectionConfig | undefined): ResolvedInspection {
  if (inspection === undefined) return { enabled: true, redact: undefined };
  requireObject(inspection, 'inspection', '{ redact: (args, task) => args }');
  refuseUnknown(inspection, ['enabled', 'redact'], 'inspection');
  const { enabled, redact }: InspectionConfig = inspection;
  if (redact !== undefined && typeof redact !== 'function') throw new ConfigurationError(`inspection.redact must be a function (args, task) => args; found ${display(redact)}.`, { option: 'inspection.redact' });
  return { enabled: checkBoolean(enabled, 'inspection.enabled', true), redact };
}
