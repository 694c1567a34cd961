import { describe, expect, it, onTestFinished } from 'vitest';
import type { EmbeddedBroker } from '../../../lib/brokers/embedded/embedded-broker.js';
import { cancellationQueue, Cancellations } from '../../../lib/control/cancellations.js';
import { calledOffBy } from '../../../lib/dispatcher/called-off.js';
import { memoryBroker } from '../../support/memory-broker.js';
import { Arrivals } from '../../support/wait.js';

function cancellationsOn(broker: EmbeddedBroker) {
  const clock = { now: 0 };
  const changes = new Arrivals<true>();
  const cancellations = new Cancellations(broker, 'e', { changed: () => changes.add(true), problem: (message, error) => { throw new Error(message, { cause: error }); } }, () => clock.now);
  onTestFinished(() => cancellations.stop());
  return { cancellations, changes, clock };
}

const WORKFLOW = 'fb6e5a46-0000-4000-8000-000000000000';
const NAME = `workflow:${WORKFLOW}`;
const HOUR = 3_600_000;

describe('what is called off under a name', () => {
  it('is one note, however often it is said, until half of its time is over', async () => {
    const broker = await memoryBroker();
    const { cancellations, clock } = cancellationsOn(broker);
    const depth = (): Promise<number | undefined> => broker.depth(cancellationQueue('e'));
    await cancellations.cancelAll(NAME, 'why', HOUR);
    clock.now = HOUR / 4;
    await cancellations.cancelAll(NAME, 'why', HOUR);
    expect(await depth()).toBe(1);
    clock.now = HOUR * 0.75;
    await cancellations.cancelAll(NAME, 'why', HOUR);
    expect(await depth()).toBe(2);
    clock.now = HOUR * 1.5;
    await cancellations.watch();
    expect([await depth(), cancellations.reasonOf(NAME)]).toEqual([1, 'why']);
    clock.now = HOUR * 2;
    expect(cancellations.reasonOf(NAME)).toBeUndefined();
  });

  it('is told once more by who repeats it: the first may have died before', async () => {
    const broker = await memoryBroker();
    const [here, there] = [cancellationsOn(broker), cancellationsOn(broker)];
    await there.cancellations.watch();
    const signal = broker.signal.bind(broker);
    broker.signal = () => Promise.reject(new Error('dead'));
    await expect(here.cancellations.cancelAll(NAME, 'why', HOUR)).rejects.toThrow('dead');
    broker.signal = signal;
    expect(there.cancellations.isEmpty).toBe(true);
    await here.cancellations.cancelAll(NAME, 'why', HOUR);
    await there.changes.until(() => there.cancellations.reasonOf(NAME) === 'why', 5_000, () => 'the other one to know');
    expect(await broker.depth(cancellationQueue('e'))).toBe(1);
  });

  it('calls off the steps of that workflow, and no other task', async () => {
    const { cancellations } = cancellationsOn(await memoryBroker());
    await cancellations.watch();
    const reasonOf = calledOffBy(cancellations);
    const headers = (workflow: string, path = '0.1'): Record<string, string> => ({ 'x-dispatcher-workflow': `${workflow} ${path}` });
    const step = { uuid: 'a', headers: headers(WORKFLOW) };
    expect(reasonOf(step)).toBeUndefined();
    await cancellations.cancelAll(NAME, 'why', HOUR);
    expect(reasonOf(step)).toBe('why');
    const others = [headers('0b6e5a46-0000-4000-8000-000000000000'), headers(WORKFLOW, '0.1.e0'), {}];
    for (const other of others) expect(reasonOf({ uuid: 'a', headers: other })).toBeUndefined();
    await cancellations.cancel(['a'], { by: 'ann' });
    expect(reasonOf(step)).toBe('called off by ann');
  });

  it('is refused where too many are kept', async () => {
    const broker = await memoryBroker();
    const { cancellations } = cancellationsOn(broker);
    await cancellations.cancel(Array.from({ length: 100_000 }, (_, index) => `task-${index}`));
    await expect(cancellations.cancelAll(NAME, 'why', HOUR)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_TOO_MANY_CANCELLATIONS' });
  });
});
