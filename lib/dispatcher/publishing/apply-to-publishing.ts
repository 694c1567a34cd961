import type { Handler } from '../../worker/handler.js';
import { familyOf, versionOf } from '../../worker/versions.js';
import type { TaskResults } from '../results/task-results.js';
import type { TaskPublisher } from './task-publisher.js';

/** What this process runs, it publishes as its handlers say: of several versions as the newest does. */
export function applyToPublishing(family: Handler, publisher: Pick<TaskPublisher, 'makeTaken' | 'makeChecked' | 'makeVersioned' | 'makeIdentified' | 'makeSealed'>, results: Pick<TaskResults, 'want'>): void {
  const { name } = family;
  publisher.makeTaken(name, family);
  if (family.ids !== undefined) publisher.makeIdentified(name, family.ids);
  if (family.compress !== undefined || family.encrypt !== undefined) publisher.makeSealed(name, family);
  if (versionOf(family) > 1) publisher.makeVersioned(name, versionOf(family));
  for (const handler of familyOf(family)) {
    if (handler.result === true) results.want(name);
    if (handler.schema !== undefined) publisher.makeChecked(name, handler.schema, versionOf(handler));
  }
}
