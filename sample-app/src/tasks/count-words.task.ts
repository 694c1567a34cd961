import { Injectable } from '@nestjs/common';
import { Arg, Task, TaskContext } from 'nestjs-dispatcher';
import { countWordsInFile } from '../counting/count-words-in-file.js';
import { CountEvents } from '../counting/count-events.js';
import type { CountedFile } from '../counting/counted-file.js';

/** The work of this app: one task for each file. */
@Injectable()
export class CountWordsTask {
  constructor(private readonly events: CountEvents) {}

  /**
   * A file that cannot be read makes the task fail, and a dead letter of it says why. The counters have this
   * task in their configuration; `general` runs it too where it is published without a routing key.
   */
  @Task('count_words', { timeoutSeconds: 60, workers: ['general'] })
  async countWords(@Arg(0) path: string, @TaskContext() { worker, signal }: TaskContext): Promise<CountedFile> {
    try {
      return { path, worker, ...await countWordsInFile(path, signal) };
    } finally {
      this.events.next({ path });
    }
  }
}
