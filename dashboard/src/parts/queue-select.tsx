import { useFilters, useScope } from './context.js';

/** One of the known queues, in the address; `''` while none is known. */
export function useQueue(preferred: (queue: { readonly dead?: number; readonly waiting?: number }) => boolean): string {
  const { params: { queue = '' }, live: { topics: { queues } } } = useScope();
  return queue === '' ? queues?.rows.find(preferred)?.name ?? queues?.rows[0]?.name ?? '' : queue;
}

export function QueueSelect({ selected }: { readonly selected: string }) {
  const { live: { topics: { queues } } } = useScope();
  const change = useFilters();
  const known = queues?.rows.map(({ name }) => name) ?? [];
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()}>
      <label>Queue
        <select value={selected} onChange={({ currentTarget }) => change({ queue: currentTarget.value, after: '', peek: '' })}>
          {[...new Set([...known, ...(selected === '' ? [] : [selected])])].map((name) => <option key={name} value={name}>{name}</option>)}
        </select>
      </label>
    </form>
  );
}
