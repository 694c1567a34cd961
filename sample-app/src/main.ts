import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DispatcherError } from 'nestjs-dispatcher';
import { AppModule } from './app.module.js';
import { CountingRun } from './counting/counting-run.js';
import { MOST_BODY_BYTES } from './http/body-limit.js';
import { listen } from './http/listen.js';
import { QuietLogger } from './quiet-logger.js';
import { readSettings, type Settings, UsageError } from './settings.js';

async function main(): Promise<void> {
  const settings = readSettings(process.argv.slice(2), process.env);
  const app = await createApp(settings);
  try {
    await start(app, settings);
    if (settings.role !== 'worker' && !await app.get(CountingRun).run()) return;
  } catch (error) {
    await app.close();
    throw error;
  }
  if (settings.once) await app.close();
  else new Logger('app').log('Ready for more. Ctrl-C ends it; running tasks finish first.');
}

async function createApp(settings: Settings): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.with(settings), {
    logger: new QuietLogger({ colors: process.stdout.isTTY === true && !process.env.NO_COLOR }), abortOnError: false, bodyParser: false, forceCloseConnections: true,
  });
  // Bytes, whatever the content type says: the exact reading of numbers is ours.
  app.useBodyParser('raw', { type: () => true, limit: MOST_BODY_BYTES });
  // Before anything connects, so that a signal is heard at any moment. Being told to stop is no failure: exit code 0.
  return app.enableShutdownHooks(['SIGINT', 'SIGTERM', 'SIGHUP'], { useProcessExit: true });
}

async function start(app: NestExpressApplication, settings: Settings): Promise<void> {
  if (settings.once || settings.role === 'worker') await app.init();
  else await listen(app, settings);
  new Logger('app').log(`Role ${settings.role}, broker ${settings.broker.replace(/\/\/.*@/, '//')}`);
}

main().catch((error: unknown) => {
  const expected = error instanceof UsageError || error instanceof DispatcherError;
  console.error(expected || !(error instanceof Error) ? String(error) : error.stack);
  process.exitCode = 1;
});
