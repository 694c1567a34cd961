import { loadSdk } from '../mcp/sdk.js';
import { serve } from '../mcp/serve.js';
import { option, type Verb } from '../verb.js';

export const mcp: Verb = {
  name: 'mcp',
  summary: 'let an assistant look, by the Model Context Protocol on standard input and output',
  notes: ['It looks and changes nothing, unless --allow-actions is given. It needs the package @modelcontextprotocol/sdk.'],
  options: [{ flags: '--allow-actions', about: 'pause, resume, trigger, send, cancel, replay and discard too' }],
  examples: [
    ['mcp', 'as the command of a server in the configuration of an assistant'],
    ['mcp --allow-actions', 'the same, and it may act'],
  ],
  run: async ({ open, terminal, signal }, call) => {
    const sdk = await loadSdk();
    await serve(sdk, await open(), option(call, 'allowActions') === true, terminal, signal);
    return { data: undefined, text: '' };
  },
};
