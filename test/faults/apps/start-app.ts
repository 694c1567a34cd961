import { onTestFinished } from '../../support/test-end.js';
import { FaultApp } from './fault-app.js';

/** One that consumes and publishes; what is left of it at the end of the test is killed. */
export async function startApp(...args: Parameters<typeof FaultApp.start>): Promise<FaultApp> {
  const app = await FaultApp.start(...args);
  onTestFinished(() => app.kill9());
  return app;
}
