import { describe, expect, it } from 'vitest';
import { DispatcherModule } from '../../../lib/index.js';
import { isLoopbackAddress } from '../../../lib/dashboard/access/request-origin.js';
import type { AuditEntry, DashboardAccess, DashboardAuthentication } from '../../../lib/dashboard/index.js';
import { ask, askToAct, PLATFORMS, startDashboard } from '../../support/dashboard-app.js';
import { KeptLog, testConfig } from '../../support/nest-app.js';
import { ScriptedInspection } from '../../support/scripted-inspection.js';

const setup = { inspection: new ScriptedInspection() };

describe.each(PLATFORMS)('who may use the dashboard, on %s', (platform) => {
  it('is asked for every request, the page and its scripts too', async () => {
    const { port } = await startDashboard({ authenticate: ({ headers }) => (headers.cookie === 'session=ada' ? { name: 'ada' } : undefined) }, { ...setup, platform });
    for (const path of ['/dispatcher', '/dispatcher/', '/dispatcher/assets/index-1.js', '/dispatcher/api/session', '/dispatcher/api/default/pauses', '/dispatcher/api/default/stream?topics=overview']) {
      expect((await ask(port, path)).status, path).toBe(401);
    }
    expect((await askToAct(port, 'resume', { kind: 'queue', name: 'q' })).status).toBe(401);
    expect(JSON.parse((await ask(port, '/dispatcher/api/session', { headers: { cookie: 'session=ada' } })).text)).toMatchObject({ user: 'ada' });
  });

  it.each<[DashboardAuthentication | 'throws', number, object]>([
    [undefined, 401, {}], [null, 401, {}], [false, 401, {}], [true as never, 401, {}], [{ name: '' }, 401, {}], ['ada' as never, 401, {}],
    [{ redirect: '/login' }, 302, { location: '/login' }], [{ challenge: 'Basic realm="tasks"' }, 401, { 'www-authenticate': 'Basic realm="tasks"' }], ['throws', 500, {}],
  ])('is nobody where it is %s', async (answer, status, headers) => {
    const authenticate = (): DashboardAuthentication => {
      if (answer === 'throws') throw new Error('the secret of the user store');
      return answer;
    };
    const { port, log } = await startDashboard({ authenticate: authenticate as never }, { ...setup, platform });
    const found = await ask(port, '/dispatcher/');
    expect(found).toMatchObject({ status, headers });
    expect(found.text).not.toContain('secret');
    if (answer === 'throws') expect(log.lines.map(({ stack }) => stack).join()).toContain('the secret of the user store');
    // A script is not sent to a page that it cannot read.
    if (status === 302) expect((await ask(port, '/dispatcher/api/session')).status).toBe(401);
  });

  it('may look and act as authorize says, for each dispatcher', async () => {
    const asked: DashboardAccess[] = [];
    const log = new KeptLog();
    const dispatchers = [DispatcherModule.forRoot(testConfig({ broker: 'embedded:' }, log)), DispatcherModule.forRoot({ ...testConfig({ broker: 'embedded:', exchange: 'orders' }, log), name: 'orders' })];
    const { port } = await startDashboard({
      authenticate: () => ({ name: 'ada', team: 'orders' }),
      authorize: (user, access) => {
        asked.push(access);
        return access.dispatcher === user['team'] && access.action !== 'purge';
      },
    }, { ...setup, platform, dispatchers });
    expect(JSON.parse((await ask(port, '/dispatcher/api/session')).text)).toMatchObject({ dispatchers: [{ name: 'orders', mayAct: true }] });
    expect((await ask(port, '/dispatcher/api/default/pauses')).status).toBe(403);
    expect((await ask(port, '/dispatcher/api/default/stream?topics=overview')).status).toBe(403);
    expect((await ask(port, '/dispatcher/api/orders/pauses')).status).toBe(200);
    expect((await askToAct(port, 'resume', { kind: 'queue', name: 'q' })).status).toBe(403);
    expect(asked.at(-1)).toEqual({ role: 'act', dispatcher: 'default', action: 'resume' });
  });

  it('may not act where it is read-only, or authorize says something else than true', async () => {
    const readOnly = await startDashboard({ insecure: true, readOnly: true }, { ...setup, platform });
    expect((await askToAct(readOnly.port, 'resume', { kind: 'queue', name: 'q' })).status).toBe(403);
    const careless = await startDashboard({ authenticate: () => ({ name: 'ada' }), authorize: (() => 'yes') as never }, { ...setup, platform });
    expect((await askToAct(careless.port, 'resume', { kind: 'queue', name: 'q' })).status).toBe(403);
  });

  it('is written down with what was done and how many were concerned, without arguments', async () => {
    const told: AuditEntry[] = [];
    const { port, log } = await startDashboard({ authenticate: () => ({ name: 'ada' }), audit: (entry) => void told.push(entry) }, { ...setup, platform });
    expect((await askToAct(port, 'send', { name: 'add', args: '[{"type":"string","value":"secret-value"}]' })).status).toBe(200);
    expect((await askToAct(port, 'purge', { queue: 'queue_1', confirm: 'queue_2' })).status).toBe(400);
    expect((await askToAct(port, 'purge', { queue: 'queue_1', confirm: 'queue_1' })).status).toBe(200);
    expect(told.map(({ by, action, what, count, error }) => ({ by, action, what, count, refused: error !== undefined }))).toEqual([
      { by: 'ada', action: 'send', what: { name: 'add' }, count: undefined, refused: false },
      { by: 'ada', action: 'purge', what: { queue: 'queue_1' }, count: undefined, refused: true },
      { by: 'ada', action: 'purge', what: { queue: 'queue_1' }, count: expect.any(Number) as number, refused: false },
    ]);
    // What was refused here never reached the dispatcher, which says the rest, once.
    expect(log.of('log').filter((line) => line.startsWith('Dashboard: "ada" asked for'))).toEqual([expect.stringContaining('Type "queue_1" to confirm this.')]);
    expect(log.of('log').filter((line) => line.startsWith('Action "')).map((line) => line.replace(/:.*/, ''))).toEqual(['Action "send" on name "add" by "ada"', 'Action "purge" on queue "queue_1" by "ada"']);
    expect(JSON.stringify([told, log.lines])).not.toContain('secret-value');
  });
});

it.each([['127.0.0.1', true], ['127.8.9.10', true], ['::1', true], ['::ffff:127.0.0.1', true], ['10.0.0.1', false], ['::ffff:10.0.0.1', false], ['128.0.0.1', false], ['0.0.0.0', false], ['1127.0.0.1', false], [undefined, false]])('the address %s is loopback: %s', (address, is) => {
  expect(isLoopbackAddress(address)).toBe(is);
});
