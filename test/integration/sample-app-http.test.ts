import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiOf, health, postTask, removeSampleApp, serveSampleApp, startSampleApp, writeFiles } from '../support/sample-app.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { eventually } from '../support/wait.js';

let folder: string;

beforeAll(() => {
  folder = temporaryFolder('sample-http');
  writeFiles(folder, { 'one.txt': 'one word or two' });
});

afterAll(() => removeFolder(folder));

const INT64_MIN = '-9223372036854775808';
const ALL_TYPES = `{"name":"all_types","args":[{"type":"bool","value":true},{"type":"string","value":"s"},
  {"type":"int","value":1},{"type":"int8","value":-128},{"type":"int16","value":2},{"type":"int32","value":3},{"type":"int64","value":${INT64_MIN}},
  {"type":"uint","value":4},{"type":"uint8","value":255},{"type":"uint16","value":5},{"type":"uint32","value":6},{"type":"uint64","value":"18446744073709551615"},
  {"type":"float32","value":0.5},{"type":"float64","value":1e300}]}`;

describe.each(['embedded', 'rabbitmq'] as const)('the HTTP API on %s', (kind) => {
  const served = serveSampleApp(kind, 'sample-http');

  it('answers 202 with the uuid, and the task runs', async () => {
    const { status, body } = await postTask(served.api, { name: 'task_1', args: [{ type: 'string', value: 'hello' }, { type: 'int', value: 42 }] });
    expect({ status, body }).toEqual({ status: 202, body: { uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string } });
    await served.app.line(/got the string "hello" and the int 42/);
  });

  it('serves the dashboard at the address that it prints', async () => {
    const [, address = ''] = /Dashboard on (\S+)/.exec(await served.app.line(/Dashboard on/)) ?? [];
    const page = await fetch(address);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<div id="app">') as string]);
    const paused = await fetch(new URL('api/default/actions/resume', address), { method: 'POST', body: '{"kind":"task","name":"task_1"}', headers: { 'x-dispatcher-dashboard': '1' } });
    expect(await paused.json()).toEqual({ text: 'It was not paused: the task task_1.' });
  });

  it('keeps the caller\'s uuid, and all fourteen types to the last digit', async () => {
    const uuid = uniqueName('uuid');
    const { status, body } = await postTask(served.api, ALL_TYPES.replace('{', `{"uuid":"${uuid}",`));
    expect({ status, body }).toEqual({ status: 202, body: { uuid } });
    const line = await served.app.line(new RegExp(uuid));
    expect(line).toContain(`int64 = ${INT64_MIN} (bigint)`);
    expect(line).toContain('uint64 = 18446744073709551615 (bigint)');
    expect(line).toContain('float64 = 1e+300 (number)');
  });

  it.each([
    ['half a JSON text', '{"name":', 400, /JSON.*Write, for instance/],
    ['a list', '[]', 400, /JSON object/],
    ['no name', '{}', 400, /"name"/],
    ['a wrong argument shape', '{"name":"n","args":[1]}', 400, /argument 1/],
    ['an unknown type', '{"name":"n","args":[{"type":"integer","value":1}]}', 422, /the types are bool string int/],
    ['a value out of range', '{"name":"n","args":[{"type":"int8","value":128}]}', 422, /from -128 to 127, found the number 128/],
    ['a value of the wrong kind', '{"name":"n","args":[{"type":"int","value":"1"}]}', 422, /expected an integer, found the string/],
    ['a reserved header', '{"name":"n","headers":{"x-dispatcher-attempt":1}}', 422, /reserved/],
    ['a key that no queue is bound to', '{"name":"n","routingKey":"nowhere"}', 422, /nowhere/],
    ['a body larger than a task may be', `{"name":"n","args":[{"type":"string","value":"${'x'.repeat(17 * 1024 * 1024)}"}]}`, 422, /larger than 16777216 bytes/],
  ])('answers %s with advice', async (_, text, status, message) => {
    const answer = await postTask(served.api, text);
    expect(answer).toEqual({ status, body: { statusCode: status, code: expect.stringMatching(/^ERR_/) as string, message: expect.stringMatching(message) as string } });
  });

  it('goes on after all of that', async () => {
    expect((await postTask(served.api, { name: 'task_1', args: [{ type: 'string', value: 'after' }, { type: 'int', value: 1 }] })).status).toBe(202);
    await served.app.line(/got the string "after"/);
  });

  it('makes a dead letter of a task that fails', async () => {
    await postTask(served.api, { name: 'fail', args: [{ type: 'string', value: 'on purpose' }] });
    await eventually(() => served.app.stderr + served.app.lines.all.join('\n'), (text) => /"?fail"?.*became a dead letter.*on purpose/.test(text), 'the log of a dead letter');
  });

  it('says that it is well', async () => {
    expect(await health(served.api)).toMatchObject({ status: 200, body: { status: 'up', details: { connection: 'ready' } } });
  });
});

describe('while the broker is away', () => {
  it('answers 503, and 202 again once it is back', async () => {
    const prefix = uniqueName('sample-away');
    const { proxy, url } = await TcpProxy.before(sharedRabbitMqUrl());
    const app = startSampleApp([folder], { broker: url, prefix });
    try {
      const api = await apiOf(app);
      await app.line(/Ready for more/);
      proxy.set('reset');
      const answer = await postTask(api, { name: 'task_1', args: [{ type: 'string', value: 'away' }, { type: 'int', value: 1 }] });
      expect(answer).toMatchObject({ status: 503, body: { code: expect.stringMatching(/^ERR_DISPATCHER_/) as string } });
      expect(await health(api)).toMatchObject({ status: 503, body: { code: 'ERR_SAMPLE_UNAVAILABLE' } });
      proxy.set('pass');
      await eventually(() => health(api), ({ status }) => status === 200, 'the app to be well again', { limitMs: 40_000 });
      expect((await postTask(api, { name: 'task_1', args: [{ type: 'string', value: 'back' }, { type: 'int', value: 1 }] })).status).toBe(202);
      await app.line(/got the string "back"/);
    } finally {
      await app.stop();
      await proxy.close();
      await removeSampleApp(sharedRabbitMqUrl(), prefix);
    }
  }, 90_000);
});

describe('a port in use', () => {
  it('ends the app with the port to take instead', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    const app = startSampleApp([folder], { env: { PORT: String(port) } });
    try {
      expect(await app.exited()).toEqual({ code: 1, signal: null });
      expect(app.stderr).toContain(`Port ${port} of 127.0.0.1 is in use by another program. Choose another: PORT=${port + 1} npm start`);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
