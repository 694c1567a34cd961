import { expect, it } from 'vitest';
import type { EndedTaskInfo } from '../../lib/inspection/model.js';
import { describeInBrowser, openPage } from '../support/browser.js';
import { startDashboard } from '../support/dashboard-app.js';
import { end, process, queue, run, ScriptedInspection } from '../support/scripted-inspection.js';
import { eventually } from '../support/wait.js';

/** Whoever reads one of these as anything but text has `hacked`. */
const HOSTILE = '"><img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>\'`${1}javascript:globalThis.hacked=1//</title></textarea>';
/** A name may stand in an address too. */
const TITLE = `mail ${HOSTILE}`;

function hostileInspection(): ScriptedInspection {
  const inspection = new ScriptedInspection();
  const ended: EndedTaskInfo = end({
    uuid: HOSTILE, name: TITLE, worker: HOSTILE, queue: HOSTILE, host: HOSTILE, reason: HOSTILE, error: { name: HOSTILE, message: HOSTILE, stack: HOSTILE, cause: { name: HOSTILE, message: HOSTILE } },
    args: [{ type: 'string', value: HOSTILE }, { type: 'json', value: { [HOSTILE]: HOSTILE } }], headers: { [HOSTILE]: HOSTILE }, log: [{ at: 1, level: 'log', text: HOSTILE }],
  });
  const running = run({ uuid: HOSTILE, name: TITLE, worker: HOSTILE, queue: HOSTILE, args: ended.args, progress: { percent: 1, text: HOSTILE, at: 1 } });
  inspection.processList = [process({ host: HOSTILE, workers: [{ ...process().workers[0]!, name: HOSTILE, queue: HOSTILE, tasks: [TITLE] }] })];
  inspection.queueList = [queue({ name: 'queue_1' }), queue({ name: HOSTILE, pause: { kind: 'queue', name: HOSTILE, by: HOSTILE, reason: HOSTILE, since: new Date(1) } })];
  inspection.runs = [running];
  inspection.ends = [ended];
  inspection.groups = [{ id: HOSTILE, name: TITLE, error: { name: HOSTILE, message: HOSTILE, frame: HOSTILE }, count: 1, dead: 1, firstAt: 1, lastAt: 1, queues: [HOSTILE], example: ended }];
  const at = new Date(1);
  inspection.scheduleList = [{
    name: HOSTILE, source: 'runtime', cron: HOSTILE, timeZone: HOSTILE, missed: 'skip', task: TITLE, nextTicks: [at], paused: { by: HOSTILE, reason: HOSTILE, since: at },
    firings: [{ tick: at, by: HOSTILE, uuid: HOSTILE, outcome: { state: 'failed', at, attempt: 1, error: HOSTILE } }, { tick: new Date(0), by: HOSTILE, error: HOSTILE }],
  }];
  inspection.lockList = [{ kind: 'unique', name: TITLE, key: HOSTILE, most: 1, state: 'held', until: 1, holders: [{ uuid: HOSTILE, process: HOSTILE, host: HOSTILE, pid: 1, worker: HOSTILE, since: 1 }] }];
  inspection.workflowList = [{ uuid: HOSTILE, name: HOSTILE, status: 'failed', startedAt: 1, endedAt: 2, retries: 1, error: HOSTILE, steps: { ended: 1, total: 2 } }];
  inspection.found = {
    uuid: HOSTILE, name: TITLE, where: { place: 'running', run: running }, waitsFor: [HOSTILE], args: ended.args, timeline: [{ state: HOSTILE, at: 1 }],
    attempts: [{ attempt: 1, at: 1, worker: HOSTILE, error: ended.error!, log: ended.log }], workflow: HOSTILE, parent: HOSTILE, children: [HOSTILE], trace: HOSTILE,
  };
  return inspection;
}

describeInBrowser('whatever a task says', () => {
  it('stays text, in each view', async () => {
    const { url, service } = await startDashboard({ insecure: true }, { assets: 'built', inspection: hostileInspection() });
    await service.createWorker({ name: 'w', queue: 'queue_1', bindingKeys: ['fails'] }, { [TITLE]: { function: () => { throw Object.assign(new Error(HOSTILE), { name: HOSTILE, stack: HOSTILE }); } } }).then((worker) => worker.start());
    await service.publish({ name: TITLE, routingKey: 'fails', args: [{ type: 'string', value: HOSTILE }], headers: { hostile: HOSTILE } });
    await eventually(async () => (await service.deadLetters.list('queue_1')).letters[0]?.id, (id) => id !== undefined, 'the dead letter');
    await service.pause({ task: TITLE.slice(0, 200) }, { by: HOSTILE, reason: HOSTILE });
    const id = (await service.deadLetters.list('queue_1')).letters[0]!.id;
    const { page, complaints } = await openPage(`${url}/dispatcher/#/overview`);
    const encoded = encodeURIComponent(HOSTILE);
    const addresses = [
      'overview', 'queues', 'running', 'failures', 'dead?queue=queue_1', `letter?queue=queue_1&id=${id}`, 'recent', `task?uuid=${encoded}`, 'processes', 'schedules', 'controls', 'workflows',
      `recent?name=${encoded}&error=${encoded}`, `${encoded}?dispatcher=${encoded}`,
    ];
    for (const address of addresses) {
      await page.goto(`${url}/dispatcher/#/${address}`);
      // Of an unknown view and dispatcher the first ones are shown.
      await page.getByText('onerror=').filter({ visible: true }).first().waitFor();
      for (const summary of await page.locator('summary').all()) await summary.click();
      expect(await page.evaluate('[globalThis.hacked ?? "no", document.querySelectorAll(\'img, main script, a[href^="javascript:"]\').length]'), address).toEqual(['no', 0]);
    }
    expect(complaints).toEqual([]);
  }, 120_000);
});
