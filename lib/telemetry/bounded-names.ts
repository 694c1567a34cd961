import type { LabelName, LabelValues } from './metric-table.js';
import { Label } from './metric-table.js';

/** Under which all names stand of which there are too many. */
const OTHER = 'other';
/** Of what is none of a user's choice: kinds of errors. */
const MOST_ERROR_TYPES = 20;

/**
 * Keeps the number of time series bounded whatever names there are: of each label the first so many values are told, all
 * others as `other`.
 */
export class BoundedNames {
  private readonly known = new Map<LabelName, Set<string>>();

  constructor(private readonly most: number) {}

  of(labels: LabelValues): LabelValues {
    const bounded: Partial<Record<LabelName, string>> = {};
    for (const name of Object.keys(labels) as LabelName[]) {
      const value = labels[name];
      if (value !== undefined) bounded[name] = this.value(name, value);
    }
    return bounded;
  }

  private value(label: LabelName, value: string): string {
    let known = this.known.get(label);
    if (known === undefined) this.known.set(label, (known = new Set()));
    if (known.has(value)) return value;
    if (known.size >= (label === Label.error ? Math.min(this.most, MOST_ERROR_TYPES) : this.most)) return OTHER;
    known.add(value);
    return value;
  }
}
