import type { AppConfig } from '../../faults/apps/protocol.js';
import { CONFIG_VARIABLE } from '../../faults/apps/protocol.js';
import type { WorkflowCommand } from '../../faults/apps/workflow-protocol.js';
import { startScript, type Child } from '../../support/processes.js';
import { pause } from '../../support/wait.js';
import { chordTraces } from '../traces/chord-trace.js';
import type { Trace } from '../traces/follow.js';
import { Stage } from './stage.js';
import { tracesInTheEnd } from './traces-in-the-end.js';

const CHORDS = 24;
const MEMBERS = 3;
const BETWEEN_KILLS_MS = 500;
const KILLS = 4;
const LIMIT = 4;

/** Chords of three members, while workers are killed one after the other. */
export async function recordChordRun(url: string): Promise<Trace[]> {
  const stage = new Stage(url, 'model-chord');
  const start = async (name: string, rest: Partial<AppConfig>): Promise<Child> => {
    const { config } = await stage.configOf(name, rest);
    const child = startScript('test/faults/apps/workflow-app.ts', { env: { [CONFIG_VARIABLE]: JSON.stringify(config), DISPATCHER_ROLE: '' } });
    stage.owns(() => child.stop());
    await child.line(/"ready"/);
    return child;
  };
  try {
    const publisher = await start('publisher', stage.publisher);
    const workers = await Promise.all([start('a', stage.worker(LIMIT)), start('b', stage.worker(LIMIT))]);
    const command: WorkflowCommand = { do: 'chords', count: CHORDS, members: MEMBERS, window: 2, pauseMs: 60 };
    publisher.send(JSON.stringify(command));
    for (let kill = 0; kill < KILLS; kill++) {
      await pause(BETWEEN_KILLS_MS);
      await workers.shift()?.stop();
      workers.push(await start(`after-${kill}`, stage.worker(LIMIT)));
    }
    return await tracesInTheEnd(() => chordTraces(stage.recorder.events), isQuiet, CHORDS);
  } finally {
    await stage.close();
  }
}

/** Called back, and each delivery of a member is settled, or died with its process. */
function isQuiet(trace: Trace): boolean {
  const count = (...what: string[]): number => trace.filter((line) => what.includes(line.what)).length;
  return count('done') > 0 && count('begin') === count('ack', 'died');
}
