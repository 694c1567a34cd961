import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { findMongo } from '../../scripts/find-result-servers.mjs';
import { freePorts } from './free-ports.js';
import { PrivateServer } from './private-server.js';
import { removeFolder, temporaryFolder } from './temporary-folder.js';

/** A private mongod, or what stands in for it here: see `scripts/find-result-servers.mjs`. */
export class MongoServer {
  readonly folder = temporaryFolder('mongodb');
  readonly url: string;
  readonly server: PrivateServer;

  private constructor(readonly port: number, found: NonNullable<ReturnType<typeof findMongo>>) {
    this.url = `mongodb://127.0.0.1:${port}/dispatcher_test`;
    const args = found.kind === 'mongod'
      ? ['--port', String(port), '--bind_ip', '127.0.0.1', '--dbpath', this.folder, '--nounixsocket']
      : ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', found.jars.join(':'), join(process.cwd(), 'test/support/mongodb/MongoStandIn.java'), join(this.folder, 'data.mv'), String(port)];
    this.server = new PrivateServer(found.program, args, () => serves(this.url), this.folder);
  }

  static async start(): Promise<MongoServer> {
    const found = findMongo();
    if (found === undefined) throw new Error('Found neither mongod nor its stand-in on this machine. Run npm test, which installs what it can.');
    const [port] = await freePorts(1);
    const mongo = new MongoServer(port, found);
    await mongo.server.start();
    return mongo;
  }

  async stop(): Promise<void> {
    await this.server.kill9();
    removeFolder(this.folder);
  }
}

async function serves(url: string): Promise<boolean> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 500, connectTimeoutMS: 500 });
  try {
    await client.db().command({ ping: 1 });
    return true;
  } finally {
    await client.close(true);
  }
}
