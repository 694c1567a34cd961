import { useEffect, useState } from 'preact/hooks';

export type Params = Readonly<Record<string, string>>;

export interface Route {
  readonly view: string;
  readonly params: Params;
}

/** Everything that decides what is seen stands in the address, behind the `#`: no server has to know it, whatever path it is at. */
export function currentRoute(): Route {
  const [view = '', query = ''] = location.hash.replace(/^#\/?/, '').split('?', 2);
  return { view: view === '' ? 'overview' : view, params: Object.fromEntries(new URLSearchParams(query)) };
}

export function hrefOf(view: string, params: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '');
  const query = new URLSearchParams(given).toString();
  return `#/${view}${query === '' ? '' : `?${query}`}`;
}

export function go(view: string, params?: Readonly<Record<string, string | undefined>>): void {
  location.hash = hrefOf(view, params);
}

export function useRoute(): Route {
  const [route, setRoute] = useState(currentRoute);
  useEffect(() => {
    const onChange = (): void => setRoute(currentRoute());
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  return route;
}
