import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { CliPlace } from './cli.js';
import { onTestFinished } from './test-end.js';

const CLIENT = '@modelcontextprotocol/sdk/client';
/** By Node itself: a peer of the package under test is none that the test's own loader finds. */
const load = createRequire(join(process.cwd(), 'package.json'));

export interface McpTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: { readonly required: readonly string[]; readonly properties: Readonly<Record<string, unknown>> };
  readonly annotations: { readonly readOnlyHint: boolean; readonly destructiveHint: boolean };
}

interface Called {
  readonly content: readonly { readonly text: string }[];
  readonly isError?: boolean;
}

interface Client {
  connect(transport: object): Promise<void>;
  close(): Promise<void>;
  listTools(): Promise<{ tools: McpTool[] }>;
  callTool(call: { name: string; arguments?: object }): Promise<Called>;
  getInstructions(): string | undefined;
}

interface ClientSdk {
  readonly Client: new (info: { name: string; version: string }) => Client;
  readonly StdioClientTransport: new (server: { command: string; args: string[]; env: Record<string, string>; stderr: 'pipe' }) => { readonly pid: number | null };
}

export interface McpAssistant {
  readonly client: Client;
  readonly pid: number;
  /** What the tool has told, read from its JSON. @throws what it refused with */
  ask<T = Record<string, unknown>>(name: string, given?: object): Promise<T>;
  /** Why the tool refuses. */
  refusal(name: string, given?: object): Promise<string>;
}

/** An assistant by the SDK's own client, with the built program as its server; closed at the end of the test. */
export async function startAssistant({ broker = '', exchange = '' }: CliPlace, ...options: string[]): Promise<McpAssistant> {
  const { Client: McpClient, StdioClientTransport } = { ...load(`${CLIENT}/index.js`) as object, ...load(`${CLIENT}/stdio.js`) as object } as ClientSdk;
  const transport = new StdioClientTransport({
    command: process.execPath, args: [join(process.cwd(), 'dist/lib/cli/main.js'), 'mcp', ...options], stderr: 'pipe',
    env: { ...process.env as Record<string, string>, DISPATCHER_BROKER: broker, DISPATCHER_EXCHANGE: exchange, DISPATCHER_CONFIG: '', DISPATCHER_RESULT_BACKEND: '' },
  });
  const client = new McpClient({ name: 'test', version: '1.0.0' });
  onTestFinished(() => client.close());
  await client.connect(transport);
  const call = async (name: string, given: object): Promise<Called> => client.callTool({ name, arguments: given });
  return {
    client, pid: transport.pid as number,
    ask: async <T>(name: string, given = {}) => {
      const { content, isError } = await call(name, given);
      if (isError === true) throw new Error(content[0]?.text);
      return JSON.parse(content[0]?.text ?? '') as T;
    },
    refusal: async (name, given = {}) => {
      const { content, isError } = await call(name, given);
      if (isError !== true) throw new Error(`It was not refused: ${content[0]?.text}`);
      return content[0]?.text ?? '';
    },
  };
}
