import type { IncomingMessage, ServerResponse } from 'node:http';
import { ConfigurationError, DispatcherError, InvalidTaskError, UnroutableTaskError } from '../../errors.js';
import { Refusal } from './refusal.js';

export function answerJson(request: IncomingMessage, response: ServerResponse, status: number, answer: unknown, headers: Readonly<Record<string, string>> = {}): void {
  answerBytes(request, response, status, 'application/json; charset=utf-8', Buffer.from(JSON.stringify(answer)), headers);
}

export function answerBytes(
  request: IncomingMessage, response: ServerResponse, status: number, type: string, body: Buffer, headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, 'Content-Type': type, 'Content-Length': body.length });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** What became of a request that failed, as the page shows it. Texts of errors that are none of ours stay in the log. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof Refusal) return error;
  if (error instanceof InvalidTaskError || error instanceof UnroutableTaskError || error instanceof ConfigurationError) return new Refusal(422, error.code, error.message);
  if (!(error instanceof DispatcherError)) return undefined;
  if (error.code === 'ERR_DISPATCHER_NOT_FOUND') return new Refusal(404, error.code, error.message);
  return error.retryable ? new Refusal(503, error.code, error.message, { 'Retry-After': '1' }) : new Refusal(422, error.code, error.message);
}
