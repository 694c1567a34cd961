import { describe, expect, it } from 'vitest';
import { DispatcherDashboardModule } from '../../../lib/dashboard/index.js';
import { startDashboard } from '../../support/dashboard-app.js';

describe('the options of the dashboard', () => {
  it('refuse to start without anybody being asked who they are', () => {
    expect(() => DispatcherDashboardModule.forRoot({})).toThrow(/needs to know who asks.*insecure: true/s);
    expect(() => DispatcherDashboardModule.forRoot({ authenticate: () => undefined, insecure: true })).toThrow(/only one can be meant/);
    expect(() => DispatcherDashboardModule.forRoot({ insecure: 'yes' } as never)).toThrow(/insecure/);
    expect(() => DispatcherDashboardModule.forRoot({ autenticate: () => undefined } as never)).toThrow(/Did you mean "authenticate"/);
  });

  it.each(['dispatcher', '/', '/a/', '/a//b', '/../a', '/a?b', '/:a', '/*'])('refuse the path %s', (path) => {
    expect(() => DispatcherDashboardModule.forRoot({ insecure: true, path })).toThrow(/path of DispatcherDashboardModule.forRoot must be/);
  });

  it('refuse a dispatcher that is not there, by naming those that are', async () => {
    await expect(startDashboard({ insecure: true, dispatchers: ['orders'] })).rejects.toThrow(/"orders".*It has: default/);
    await expect(startDashboard({ insecure: true }, { dispatchers: [] })).rejects.toThrow(/nothing to show/);
  });
});
