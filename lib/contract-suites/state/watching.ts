import { ResultBackendUnavailableError, ShutdownError } from '../../errors.js';
import type { StateBackend } from '../../state/state-backend.js';
import { bytes, MINUTE, rejection, type StateBackendsUnderTest, type StateBench, Told } from './bench.js';

export function watchingContract(bench: StateBench): void {
  const { it, expect } = bench;
  it('tells a watch what is there, and each later value, of others too', () => bench.with(2, async ([watching, writing = watching]) => {
    await writing.set('k', bytes('first'), MINUTE);
    const { told, stop } = watched(watching, 'k');
    await told.until((all) => all.includes('first'));
    await writing.set('k', bytes('second'), MINUTE);
    await told.until((all) => all.includes('second'));
    await writing.replaceIfEqual('k', bytes('second'), bytes('third'), MINUTE);
    await told.until((all) => all.includes('third'));
    stop();
    expect(told.all).toEqual(['first', 'second', 'third']);
  }));

  it('tells a watch the last of many changes, in their order', () => bench.with(2, async ([watching, writing = watching]) => {
    const { told, stop } = watched(watching, 'fast');
    for (let number = 1; number <= 200; number++) await writing.set('fast', bytes(String(number)), MINUTE);
    await told.until((all) => all.includes('200'));
    stop();
    expect(told.all).toEqual([...told.all].sort((a, b) => Number(a) - Number(b)));
  }));

  callbackContract(bench);
}

function callbackContract(bench: StateBench): void {
  const { it, expect } = bench;
  it('tells nothing to a watch that was stopped, also from within', () => bench.with(1, async ([backend]) => {
    const told: string[] = [];
    const stop = backend.watch('k', (value) => {
      told.push(value.toString());
      stop();
      stop();
    });
    const others = watched(backend, 'k');
    await backend.set('k', bytes('1'), MINUTE);
    await others.told.until((all) => all.includes('1'));
    await backend.set('k', bytes('2'), MINUTE);
    await others.told.until((all) => all.includes('2'));
    others.stop();
    expect(told).toEqual(['1']);
  }));

  it('goes on with a watch whose callback throws, and says so', () => bench.with(1, async ([backend]) => {
    const [events, told] = [new Told<string>(), new Told<string>()];
    const subscription = backend.events.subscribe(({ type }) => { events.add(type); });
    const stop = backend.watch('k', (value) => {
      told.add(value.toString());
      throw new Error('a defect of the caller');
    });
    await backend.set('k', bytes('1'), MINUTE);
    await told.until((all) => all.includes('1'));
    await backend.set('k', bytes('2'), MINUTE);
    await events.until((all) => all.filter((type) => type === 'results.callback-failed').length === 2);
    stop();
    subscription.unsubscribe();
    expect(told.all).toEqual(['1', '2']);
  }));
}

export function lifeContract({ it, expect }: StateBench, open: () => Promise<StateBackendsUnderTest>): void {
  it('goes from idle to closed, says so, and refuses what comes before and after', async () => {
    const backend = (await open()).make();
    const statuses: string[] = [];
    backend.states.subscribe(({ status }) => { statuses.push(status); });
    expect(await rejection(backend.get('k')) instanceof ResultBackendUnavailableError).toBe(true);
    await backend.connect();
    await backend.connect();
    const writes = Array.from({ length: 50 }, (_, index) => backend.set(`k${index}`, bytes('v'), MINUTE));
    const closing = Promise.all([backend.close(10_000), backend.close(10_000)]);
    expect(await rejection(backend.get('k0')) instanceof ShutdownError).toBe(true);
    expect(await rejection(Promise.all(writes))).toBe(undefined);
    await closing;
    expect(statuses).toEqual(['idle', 'connecting', 'ready', 'closing', 'closed']);
    expect(await rejection(backend.connect()) instanceof ShutdownError).toBe(true);
  });

  it('can be closed before it was ever connected', async () => {
    const backend = (await open()).make();
    await backend.close(1_000);
    expect(backend.state.status).toBe('closed');
  });
}

function watched(backend: StateBackend, key: string): { readonly told: Told<string>; readonly stop: () => void } {
  const told = new Told<string>();
  return { told, stop: backend.watch(key, (value) => { told.add(value.toString()); }) };
}
