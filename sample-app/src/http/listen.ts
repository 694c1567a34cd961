import { Logger } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DASHBOARD_PATH } from './dashboard-path.js';
import { type Settings, UsageError } from '../settings.js';

/** @throws UsageError that says which port to take instead */
export async function listen(app: NestExpressApplication, { host, port }: Settings): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException, host, port);
  }
  const url = await app.getUrl();
  const logger = new Logger('http');
  logger.log(`HTTP API on ${url}: POST /tasks, GET /tasks/:uuid, GET /queues, GET /health`);
  logger.log(`Dashboard on ${url}${DASHBOARD_PATH}/`);
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new UsageError(`Port ${port} of ${host} is in use by another program. Choose another: PORT=${port + 1} npm start`);
    case 'EACCES':
      return new UsageError(`Port ${port} of ${host} may not be used by this user. Choose one above 1023: PORT=3000 npm start`);
    case 'EADDRNOTAVAIL': case 'ENOTFOUND':
      return new UsageError(`HOST=${host} is no address of this machine. Leave HOST out for 127.0.0.1.`);
    default:
      return error;
  }
}
