import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from '../options.js';
import { printableLines } from '../output/text.js';
import type { Session } from '../session/session.js';
import { write } from '../terminal.js';
import { option, type Verb } from '../verb.js';
import { describeProcesses, othersOf } from './inspect.js';
import { queueTable } from './queue-table.js';
import { runningTable } from './task-lists.js';

const DEFAULT_SECONDS = 2;
const MOST_RUNNING = 15;
const HOME = '\u001b[H\u001b[2J\u001b[3J';

export const top: Verb = {
  name: 'top',
  summary: 'a live view of queues, processes and what runs',
  notes: ['On a terminal it is drawn anew until Ctrl-C; elsewhere, and with --json, it is printed once.'],
  options: [{ flags: '--interval <duration>', about: 'how often', parse: seconds, fallback: `${DEFAULT_SECONDS}s` }],
  examples: [['top', 'until Ctrl-C'], ['top --json', 'once, for a script']],
  run: async ({ open, terminal, json, signal }, call) => {
    const session = await open();
    const pauseMs = (option<number>(call, 'interval') ?? DEFAULT_SECONDS) * 1000;
    for (;;) {
      const view = await look(session);
      if (json || terminal.stdout.isTTY !== true) return { data: view.data, text: view.text };
      await write(terminal.stdout, `${HOME}${fitted(view.text, terminal.stdout)}\n`);
      await sleep(pauseMs, undefined, { signal });
    }
  },
};

async function look(session: Session): Promise<{ data: unknown; text: string }> {
  const { inspection, exchange } = session;
  const { queues: report, processes: all, running = [] } = await inspection.overview({ running: MOST_RUNNING });
  const processes = othersOf(all);
  const parts = [
    `${exchange}  ${new Date().toISOString()}  ${report.delayed} delayed, ${report.undelivered} undelivered`,
    queueTable(report.queues), describeProcesses(processes),
    ...running.length === 0 ? [] : [runningTable(running)],
  ];
  return { data: { ...report, processes, running }, text: parts.join('\n\n') };
}

/** No more than the terminal shows: what wraps or scrolls would not be drawn over. */
function fitted(text: string, { columns = 120, rows = 40 }: { columns?: number; rows?: number }): string {
  return printableLines(text).split('\n').slice(0, rows - 1).map((line) => line.slice(0, columns)).join('\n');
}
