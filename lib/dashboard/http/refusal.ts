/** An answer that is not what was asked for; its text is for the person at the browser. */
export class Refusal extends Error {
  constructor(readonly status: number, readonly code: string, message: string, readonly headers: Readonly<Record<string, string>> = {}) {
    super(message);
  }
}

export function badRequest(message: string): Refusal {
  return new Refusal(400, 'BAD_REQUEST', message);
}

export function notFound(message: string): Refusal {
  return new Refusal(404, 'NOT_FOUND', message);
}

export function busy(message: string): Refusal {
  return new Refusal(503, 'BUSY', message, { 'Retry-After': '1' });
}
