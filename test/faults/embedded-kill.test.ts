import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerProcesses, collect, publishTasks, settled } from '../support/broker-processes.js';
import { Ledger } from '../support/ledger.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';

describe('embedded broker, several processes on one folder', () => {
  let folder: string;
  let processes: BrokerProcesses;

  beforeEach(() => {
    folder = temporaryFolder('embedded');
    processes = new BrokerProcesses('embedded', folder);
  });
  afterEach(async () => {
    await processes.stop();
    removeFolder(folder);
  });

  it('takes a stopped process for alive', async () => {
    const ledger = new Ledger();
    const publisher = await processes.open();
    const stopped = await processes.startConsumer(5, 'all');
    await publishTasks(publisher, 5, ledger);
    await stopped.line(/task-4/);
    stopped.signal('SIGSTOP');
    const victim = await processes.startConsumer(5, 'all');
    await publisher.publish({ body: Buffer.from('given back'), properties: {} }, { queue: processes.queue });
    await victim.line(/given back/);
    victim.kill();
    await victim.exited();
    // That it comes back shows that the living looked after the others, the stopped one among them.
    const deliveries = await collect(publisher, 1);
    stopped.signal('SIGCONT');
    stopped.send('release');
    await settled(ledger, [stopped]);
    expect(deliveries.map(({ body }) => body.toString())).toEqual(['given back']);
    expect([...ledger.started.values()]).toEqual([1, 1, 1, 1, 1]);
  });
});
