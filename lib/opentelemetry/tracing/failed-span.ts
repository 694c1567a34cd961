import { SpanStatusCode, type Span } from '@opentelemetry/api';
import { messageOf, propertyOf } from '../../task/error-text.js';
import { errorType } from '../../telemetry/error-type.js';
import { Name } from './attributes.js';

/** Notes on a span that what it is of has failed. Whatever was thrown: it is a user's. */
export function fail(span: Span, error: unknown): void {
  const type = errorType(error);
  span.setAttribute(Name.errorType, type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
  const stack = propertyOf(error, 'stack');
  span.recordException({ name: type, message: messageOf(error), ...(typeof stack === 'string' ? { stack } : {}) });
}
