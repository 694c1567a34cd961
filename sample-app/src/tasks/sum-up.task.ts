import { Injectable } from '@nestjs/common';
import { Arg, Task, TaskContext } from 'nestjs-dispatcher';
import type { SettledCount } from '../counting/counted-file.js';
import { summaryLine } from '../counting/summary.js';
import { type TotalsData, WordTotals } from '../counting/word-totals.js';

/** The callback of the chord: started once, when every file has been dealt with. */
@Injectable()
export class SumUpTask {
  @Task('sum_up', { timeoutSeconds: 60 })
  sumUp(@Arg(0) counts: SettledCount[], @TaskContext() { logger }: TaskContext): TotalsData {
    const totals = new WordTotals();
    for (const count of counts) {
      if (count.status === 'fulfilled') totals.add(count.value.path, count.value.worker, count.value);
      else totals.addProblem(pathIn(count.reason), count.reason);
    }
    logger.log(`${totals.all.words} words in ${totals.all.files} files. ${summaryLine(totals)}`);
    return totals.toJSON();
  }
}

/** What the system says of a file names it at the end: "ENOENT: no such file or directory, open '/a/b'". */
function pathIn(reason: string): string {
  return /'([^']*)'$/.exec(reason)?.[1] ?? 'a file';
}
