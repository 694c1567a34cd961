import { useEffect, useId, useState } from 'preact/hooks';
import { localInput } from '../format.js';
import { useFilters, useScope } from './context.js';

export interface Filter {
  readonly name: string;
  readonly label: string;
  /** `instant`: a date and time of this browser, in the address as milliseconds since 1970. Default: a text. */
  readonly kind?: 'instant';
  readonly choices?: readonly string[];
  readonly hint?: string;
}

/** A form that changes the address: who sends it to somebody shows them the same. Applied on Enter, and when a field is left. */
export function Filters({ filters }: { readonly filters: readonly Filter[] }) {
  const { params } = useScope();
  const change = useFilters();
  const isFiltered = filters.some(({ name }) => (params[name] ?? '') !== '');
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      {filters.map((filter) => <FilterField key={filter.name} filter={filter} value={params[filter.name] ?? ''} onChange={(value) => change({ [filter.name]: value, after: '' })} />)}
      {isFiltered && <button type="button" onClick={() => change(Object.fromEntries(filters.map(({ name }) => [name, ''])))}>Clear</button>}
    </form>
  );
}

interface FieldProps {
  readonly filter: Filter;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function FilterField({ filter: { label, kind, choices, hint }, value, onChange }: FieldProps) {
  const id = useId();
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  if (choices !== undefined) {
    return (
      <label>{label}
        <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
          <option value="">any</option>
          {choices.map((choice) => <option key={choice} value={choice}>{choice}</option>)}
          {value !== '' && !choices.includes(value) && <option value={value}>{value}</option>}
        </select>
      </label>
    );
  }
  if (kind === 'instant') {
    return <label>{label}<input type="datetime-local" value={localInput(value)} onChange={({ currentTarget }) => onChange(currentTarget.value === '' ? '' : String(new Date(currentTarget.value).getTime()))} /></label>;
  }
  const apply = (): void => {
    if (typed !== value) onChange(typed.trim());
  };
  return (
    <label for={id}>{label}
      <input id={id} type="search" value={typed} placeholder={hint ?? ''} onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        onBlur={apply} onKeyDown={({ key }) => { if (key === 'Enter') apply(); }} onSearch={apply} />
    </label>
  );
}
