import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../../lib/cli/failures.js';
import { readSettings, readSettingsOffline } from '../../../lib/cli/settings/read-settings.js';
import type { Terminal } from '../../../lib/cli/terminal.js';
import { removeFolder, temporaryFolder } from '../../support/temporary-folder.js';

const folders: string[] = [];

function place(environment: Record<string, string> = {}, files: Record<string, string> = {}): Terminal {
  const folder = temporaryFolder('cli-settings');
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return { environment, folder } as unknown as Terminal;
}

describe('the settings of the command line', () => {
  afterAll(() => folders.forEach(removeFolder));

  it('come from the command, then the environment, then a file', async () => {
    const files = { 'dispatcher.config.json': JSON.stringify({ broker: 'amqp://file/', exchange: 'file', defaultRoutingKey: 'key', queues: ['a'], connectSeconds: 3 }) };
    const all = await readSettings({ broker: 'amqp://command/' }, place({ DISPATCHER_BROKER: 'amqp://environment/', DISPATCHER_EXCHANGE: 'environment' }, files));
    expect(all.broker.reveal()).toBe('amqp://command/');
    expect(all).toMatchObject({ exchange: 'environment', defaultRoutingKey: 'key', queues: ['a'], connectSeconds: 3 });
    expect((await readSettings({}, place({}, files))).exchange).toBe('file');
  });

  it('take the name of the exchange as a routing key where none is given', async () => {
    expect(await readSettings({ broker: 'amqp://h/', exchange: 'tasks' }, place())).toMatchObject({ exchange: 'tasks', defaultRoutingKey: 'tasks', connectSeconds: 10, queues: [] });
  });

  it('come from a module too, and from a file that is named', async () => {
    const files = { 'dispatcher.config.mjs': "export default { broker: 'amqp://module/', exchange: `m${1 + 1}` };", 'other.json': '{ "exchange": "other" }' };
    expect((await readSettings({}, place({}, files))).exchange).toBe('m2');
    expect((await readSettingsOffline({ config: 'other.json' }, place({}, files))).exchange).toBe('other');
    expect((await readSettingsOffline({}, place({ DISPATCHER_CONFIG: 'other.json' }, files))).exchange).toBe('other');
  });

  it.each([
    ['nothing at all', {}, {}, /which broker is meant/], ['no exchange', { broker: 'amqp://h/' }, {}, /which exchange is meant/],
    ['a file that is not there', { config: 'none.json' }, {}, /There is no file/],
    ['a name that means nothing', {}, { 'dispatcher.config.json': '{ "brokre": "amqp://u:geheim@h/" }' }, /the string "brokre", which means nothing here; known are broker/],
    ['a value of another type', {}, { 'dispatcher.config.json': '{ "queues": "geheim" }' }, /queues in .* must be a list of names/],
    ['no JSON', {}, { 'dispatcher.config.json': '{ "broker": "amqp://u:geheim@h/' }, /cannot be read \(SyntaxError\)/],
    ['no object', {}, { 'dispatcher.config.mjs': 'export default 5;' }, /as its default export/],
  ])('are refused: %s', async (_what, options, files, text) => {
    const failure = await readSettings(options, place({}, files)).then(() => undefined, (error: Error) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(failure?.message).toMatch(text);
    expect(failure?.message).not.toContain('geheim');
  });

  it('show no password', async () => {
    const settings = await readSettings({ broker: 'amqp://u:geheim@h/', exchange: 'x', resultBackend: 'redis://:geheim@h/' }, place());
    expect(JSON.stringify(settings)).not.toContain('geheim');
  });
});
