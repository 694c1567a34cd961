import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ContractFormat, contractText } from '../../contract/text.js';
import type { Contract } from '../../contract/model.js';

const TYPES: Readonly<Record<ContractFormat, string>> = {
  json: 'application/vnd.aai.asyncapi+json;version=3.0.0', yaml: 'application/vnd.aai.asyncapi+yaml;version=3.0.0',
};

export interface ContractAnswersOptions {
  readonly contract: () => Contract;
  readonly allow: (request: IncomingMessage) => boolean | Promise<boolean>;
  readonly problem: (error: unknown) => void;
}

/** Answers requests for the contract, over Node's own requests. */
export class ContractAnswers {
  constructor(private readonly options: ContractAnswersOptions) {}

  /** Never rejects. */
  async answer(request: IncomingMessage, response: ServerResponse, format: ContractFormat): Promise<void> {
    try {
      if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, 405, 'The contract can be read, by GET.', { allow: 'GET, HEAD' });
      if (!await this.options.allow(request)) return end(response, 403, 'This is not for you.');
      this.send(request, response, format);
    } catch (error) {
      this.options.problem(error);
      if (!response.headersSent) end(response, 500, 'The contract cannot be told; the log says why.');
    }
  }

  /** The same contract has the same text, and so the same tag: whoever has it already is told so. */
  private send(request: IncomingMessage, response: ServerResponse, format: ContractFormat): void {
    const text = contractText(this.options.contract(), format);
    const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 27)}"`;
    const headers = { etag, 'cache-control': 'no-cache' };
    const known = request.headers['if-none-match']?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag) === true;
    if (known) {
      response.writeHead(304, headers).end();
      return;
    }
    response.writeHead(200, { ...headers, 'content-type': TYPES[format], 'content-length': Buffer.byteLength(text), 'x-content-type-options': 'nosniff' });
    response.end(request.method === 'HEAD' ? undefined : text);
  }
}

function end(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }).end(`${text}\n`);
}
