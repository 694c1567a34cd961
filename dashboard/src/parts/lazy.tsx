import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Empty, Problem } from './page.js';

/** A view whose script is only fetched when it is looked at. */
export function lazy(load: () => Promise<{ readonly default: ComponentType }>): ComponentType {
  let loaded: ComponentType | undefined;
  return function Lazy() {
    const [View, setView] = useState<ComponentType | undefined>(() => loaded);
    const [problem, setProblem] = useState<string>();
    useEffect(() => {
      if (loaded !== undefined) return;
      load().then((module) => {
        loaded = module.default;
        setView(() => module.default);
      }, () => setProblem('This part of the page cannot be loaded; load the whole page again.'));
    }, []);
    if (problem !== undefined) return <Problem text={problem} />;
    return View === undefined ? <Empty>Loading ...</Empty> : <View />;
  };
}
