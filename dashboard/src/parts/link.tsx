import type { ComponentChildren } from 'preact';
import { hrefOf } from '../route.js';
import { useScope } from './context.js';

interface LinkProps {
  readonly to: string;
  readonly params?: Readonly<Record<string, string | undefined>>;
  readonly class?: string;
  readonly children: ComponentChildren;
}

/** To another view of the same dispatcher. */
export function Link({ to, params, children, ...rest }: LinkProps) {
  const { dispatcher } = useScope();
  return <a href={hrefOf(to, { dispatcher, ...params })} {...rest}>{children}</a>;
}

/** A uuid by its beginning, and whole for who points at it. */
export function TaskLink({ uuid }: { readonly uuid: string }) {
  return <Link to="task" params={{ uuid }} class="mono"><span title={uuid}>{uuid.slice(0, 8)}</span><span class="sr"> {uuid}</span></Link>;
}
