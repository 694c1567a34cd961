import type { TextMapGetter, TextMapSetter } from '@opentelemetry/api';
import type { TaskHeaders } from '../../index.js';

/** Longer ones are nobody's trace context. */
const LONGEST_VALUE = 16_384;

/** Headers of a task as a carrier of W3C's: texts under the names that the propagator gives. So do Go, Celery and others that write to AMQP headers. */
export const GETTER: TextMapGetter<Readonly<TaskHeaders>> = {
  keys: (headers) => Object.keys(headers),
  get: (headers, name) => {
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    return typeof value === 'string' && value.length <= LONGEST_VALUE ? value : undefined;
  },
};

export const SETTER: TextMapSetter<TaskHeaders> = {
  set: (headers, name, value) => { headers[name] = value; },
};
