import { describe, expect, it } from 'vitest';
import { ACTS } from '../../../lib/cli/mcp/acts.js';
import { boundedAnswer } from '../../../lib/cli/mcp/bounded-answer.js';
import { LOOKS } from '../../../lib/cli/mcp/looks.js';
import { loadSdk } from '../../../lib/cli/mcp/sdk.js';
import { call, toolsOf } from '../../../lib/cli/mcp/serve.js';
import { annotationsOf, checkedArguments, schemaOf, type Tool } from '../../../lib/cli/mcp/tool.js';
import type { Session } from '../../../lib/cli/session/session.js';

const toolOf = (name: string): Tool => [...LOOKS, ...ACTS].find((tool) => tool.name === name) as Tool;

describe('tools of an assistant', () => {
  it('have names of their own, say what they are, and require only what they take', () => {
    const names = toolsOf(true).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const tool of toolsOf(true)) {
      expect(tool.description.length).toBeGreaterThan(10);
      for (const name of tool.required ?? []) expect(Object.keys(tool.properties)).toContain(name);
      for (const { description } of Object.values(tool.properties)) expect(description).not.toBe('');
    }
    expect(toolsOf(false).every(({ kind }) => kind === 'look')).toBe(true);
    expect(ACTS.every(({ kind }) => kind !== 'look')).toBe(true);
  });

  it('say as what they may be shown', () => {
    expect(annotationsOf(toolOf('queues'))).toMatchObject({ readOnlyHint: true, destructiveHint: false });
    expect(annotationsOf(toolOf('pause'))).toMatchObject({ readOnlyHint: false, destructiveHint: false });
    expect(annotationsOf(toolOf('discard'))).toMatchObject({ readOnlyHint: false, destructiveHint: true });
    expect(schemaOf(toolOf('task'))).toEqual({ type: 'object', properties: { uuid: expect.objectContaining({ type: 'string' }) }, required: ['uuid'], additionalProperties: false });
  });

  it.each([
    ['running', [1], 'must be an object'], ['running', { nmae: 'x' }, 'no argument "nmae"'], ['running', { constructor: 'x' }, 'no argument "constructor"'], ['running', { name: 7 }, 'a text'], ['running', { name: '' }, 'a text'],
    ['running', { limit: 0 }, 'from 1 to 100'], ['running', { limit: 1.5 }, 'from 1 to 100'], ['running', { limit: '5' }, 'from 1 to 100'], ['recent', { state: 'gone' }, 'one of succeeded'],
    ['recent', { arguments: [] }, 'an object'], ['task', {}, 'needs "uuid"'], ['cancel', { uuids: [] }, 'a list of 1 to 100'], ['cancel', { uuids: [1] }, 'a list'], ['task', { uuid: 'x'.repeat(256) }, 'at most 255'],
    ['pause', { kind: 'exchange', name: 'x', reason: 'y' }, 'one of queue, task, worker'],
  ])('%s refuses %j', (name, given, text) => {
    expect(() => checkedArguments(toolOf(name), given)).toThrow(text);
  });

  it('take what fits, and nothing at all where nothing is needed', () => {
    expect(checkedArguments(toolOf('queues'), undefined)).toEqual({});
    expect(checkedArguments(toolOf('cancel'), { uuids: ['a'], reason: 'b' })).toEqual({ uuids: ['a'], reason: 'b' });
  });

  it('answer with what went wrong, whatever is thrown', async () => {
    const session = { inspection: { queues: () => Promise.reject(new Error('the broker is away')) } } as unknown as Session;
    expect(await call(LOOKS, session, 'queues', {})).toEqual({ content: [{ type: 'text', text: 'the broker is away' }], isError: true });
    expect(await call(LOOKS, session, 'nothing', {})).toMatchObject({ isError: true, content: [{ text: 'There is no tool "nothing".' }] });
    expect((await call(LOOKS, session, 'discard', {})).content[0]?.text).toContain('--allow-actions');
    expect((await call(LOOKS, session, 'recent', { since: 'yesterday' })).content[0]?.text).toContain('"since": expected a time');
  });
});

describe('an answer', () => {
  it('is exact, and says what was cut', () => {
    expect(boundedAnswer({ value: 2n ** 64n, at: new Date(0), gone: undefined })).toBe('{"value":18446744073709551616,"at":"1970-01-01T00:00:00.000Z"}');
    expect(boundedAnswer({ stack: 'x'.repeat(3_000) })).toBe(`{"stack":"${'x'.repeat(2_000)}... (3000 characters)"}`);
    expect(JSON.parse(boundedAnswer(Array.from({ length: 500 }, () => 1)))).toHaveLength(201);
  });

  it('is never too long', () => {
    const many = Array.from({ length: 1_000 }, (_, index) => ({ index, text: 'y'.repeat(5_000), more: Array.from({ length: 100 }, () => 'z'.repeat(1_000)) }));
    expect(Buffer.byteLength(boundedAnswer({ many }))).toBeLessThanOrEqual(64 * 1024);
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`key${index}`, 'y'.repeat(500)]));
    expect(boundedAnswer(wide)).toContain('Ask for less');
  });
});

describe('the SDK', () => {
  it('is there for the tests, with what is used of it', async () => {
    const sdk = await loadSdk();
    for (const name of ['Server', 'StdioServerTransport', 'ListToolsRequestSchema', 'CallToolRequestSchema'] as const) expect(sdk[name], name).toBeDefined();
  });

  it('is asked for by the command that installs it, where it is missing', async () => {
    const missing = Object.assign(new Error("Cannot find package '@modelcontextprotocol/sdk' imported from here"), { code: 'ERR_MODULE_NOT_FOUND' });
    await expect(loadSdk(() => Promise.reject(missing))).rejects.toThrow('npm install @modelcontextprotocol/sdk');
    await expect(loadSdk(() => Promise.reject(new TypeError('broken')))).rejects.toThrow('broken');
  });
});
