/** Where a browser finds the dashboard. */
export const DASHBOARD_PATH = '/dispatcher';
