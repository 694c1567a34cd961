import { Readable, Writable } from 'node:stream';
import { UsageError } from '../failures.js';

const PACKAGE = '@modelcontextprotocol/sdk';

/** A tool as it is listed. */
export interface ListedTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: object;
  readonly annotations: object;
}

export interface CallResult {
  readonly content: readonly { readonly type: 'text'; readonly text: string }[];
  readonly isError?: boolean;
}

interface Server {
  onclose?: () => void;
  setRequestHandler(schema: unknown, handler: (request: { readonly params: { readonly name: string; readonly arguments?: unknown } }) => Promise<object>): void;
  connect(transport: object): Promise<void>;
  close(): Promise<void>;
}

/** What is used of the SDK, an optional peer. Its types are said here, so that nobody needs it who does not start this. */
export interface McpSdk {
  readonly Server: new (info: { name: string; version: string }, options: { capabilities: object; instructions: string }) => Server;
  readonly StdioServerTransport: new (stdin: Readable, stdout: Writable) => object;
  readonly ListToolsRequestSchema: unknown;
  readonly CallToolRequestSchema: unknown;
}

/** @throws UsageError with the command that installs it, where it is missing */
export async function loadSdk(load = (path: string): Promise<object> => import(path) as Promise<object>): Promise<McpSdk> {
  try {
    const [server, stdio, types] = await Promise.all(['server/index.js', 'server/stdio.js', 'types.js'].map((file) => load(`${PACKAGE}/${file}`)));
    return { ...server, ...stdio, ...types } as McpSdk;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if ((code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') || !message.includes(PACKAGE)) throw error;
    throw new UsageError(`\`mcp\` needs the package ${PACKAGE}, which is not installed. Install it beside nestjs-dispatcher: npm install ${PACKAGE}`);
  }
}
