import type { ActionAnswer, SessionAnswer } from '../../lib/dashboard/answers.js';

/** What the server said no with. */
export class ServerError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

export function readSession(): Promise<SessionAnswer> {
  return ask('api/session') as Promise<SessionAnswer>;
}

export function readUrl(dispatcher: string, what: string, params: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '');
  return `api/${encodeURIComponent(dispatcher)}/${what}?${new URLSearchParams(given)}`;
}

export function streamUrl(dispatcher: string, topics: readonly string[]): string {
  return `api/${encodeURIComponent(dispatcher)}/stream?topics=${topics.join(',')}`;
}

export function act(dispatcher: string, action: string, fields: Readonly<Record<string, unknown>>): Promise<ActionAnswer> {
  return ask(`api/${encodeURIComponent(dispatcher)}/actions/${action}`, {
    method: 'POST', body: JSON.stringify(fields), headers: { 'Content-Type': 'application/json', 'X-Dispatcher-Dashboard': '1' },
  }) as Promise<ActionAnswer>;
}

/** Relative to the page, wherever that is served. */
export async function ask(url: string, init?: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, redirect: 'error', cache: 'no-store' });
  } catch {
    throw new ServerError(0, 'The server cannot be reached.');
  }
  const answer = await response.json().catch(() => undefined) as { message?: unknown } | undefined;
  if (!response.ok) throw new ServerError(response.status, typeof answer?.message === 'string' ? answer.message : `The server answered with ${response.status}.`);
  return answer;
}
