import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';

interface PageProps {
  readonly title: string;
  readonly intro?: string;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

export function Page({ title, intro, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Dispatcher`;
  }, [title]);
  return (
    <>
      <div class="page-head">
        <h1 id="title" tabIndex={-1}>{title}</h1>
        {actions !== undefined && <div class="actions">{actions}</div>}
      </div>
      {intro !== undefined && <p class="intro">{intro}</p>}
      {children}
    </>
  );
}

export function Section({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return <section class="section"><h2>{title}</h2>{children}</section>;
}

export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function Problem({ text }: { readonly text: string | undefined }) {
  return text === undefined ? null : <p class="problem" role="alert">{text}</p>;
}
