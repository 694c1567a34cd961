export type { AuditEntry } from './answers.js';
export { DispatcherDashboardModule } from './dashboard.module.js';
export type { DashboardAccess, DashboardAuthentication, DashboardOptions, DashboardRedaction, DashboardUser, ShownTask } from './options.js';
