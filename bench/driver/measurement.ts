/** What one run of one system has shown. */
export interface Measurement {
  readonly scenario: string;
  readonly system: string;
  readonly run: number;
  readonly tasks: number;
  readonly seconds: number;
  /** Tasks per second. */
  readonly rate: number;
  /** CPU seconds, user and system, of the processes under test together, per 100,000 tasks; servers not counted. */
  readonly cpu: number;
  /** Peak resident memory in MiB of the largest process under test. */
  readonly memory: number;
  /** Milliseconds from just before publishing to the start of the handler. */
  readonly latency?: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number };
  /** Cores that others kept busy meanwhile. */
  readonly others: number;
  readonly disturbed: boolean;
}

export interface Failure {
  readonly scenario: string;
  readonly system: string;
  readonly reason: string;
}
