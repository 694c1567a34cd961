/** The formats that are there without being configured. @publicApi */
export type BuiltInFormat = 'gofort' | 'machinery' | 'celery' | 'celery1' | 'cloudevents' | 'cloudevents-binary' | 'hutch' | 'sidekiq' | 'goworkers' | 'gocraft';

/**
 * How tasks look on the wire: one of the built-in formats, or the `name` of one of the configuration's own `formats`.
 *
 * @publicApi
 */
export type FormatName = BuiltInFormat | (string & Record<never, never>);
