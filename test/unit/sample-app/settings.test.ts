import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSettings, UsageError } from '../../../sample-app/src/settings.js';

describe('the settings of the sample app', () => {
  it('runs everything in one process on the embedded broker, unless told otherwise', () => {
    expect(readSettings(['.'], {})).toMatchObject({ role: 'both', broker: 'embedded:', host: '127.0.0.1', port: 3000, once: false });
  });

  it('moves to the broker that the environment names', () => {
    expect(readSettings(['.'], { DISPATCHER_AMQP_CON: 'amqp://somewhere' }).broker).toBe('amqp://somewhere');
  });

  it('gives sender and worker one folder to meet in where no broker is named', () => {
    const [sender, worker] = [readSettings(['.', '--role=sender'], {}), readSettings(['.', '--role=worker'], {})];
    expect(sender.broker).toMatch(/^embedded:.+/);
    expect(worker.broker).toBe(sender.broker);
  });

  it('takes folders relative to where the user was when npm started', () => {
    expect(readSettings(['lib'], { INIT_CWD: process.cwd() }).roots).toEqual([resolve('lib')]);
  });

  it.each([
    [['--role=boss'], {}, /both, sender or worker/],
    [['--onec'], {}, /Usage: npm start/],
    [['--role=worker', '--once'], {}, /--once/],
    [['/no/such/folder'], {}, /There is no folder or file \/no\/such\/folder/],
    [['.'], { PORT: '99999' }, /PORT=99999.*PORT=3001/],
    [['.'], { PORT: 'http' }, /PORT=http/],
  ])('refuses %j with %j', (args, environment, text) => {
    expect(() => readSettings(args, environment)).toThrow(UsageError);
    expect(() => readSettings(args, environment)).toThrow(text);
  });
});
