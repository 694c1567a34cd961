import { Injectable } from '@nestjs/common';
import { Arg, Task, TaskContext } from 'nestjs-dispatcher';
import { countWordsInFile } from '../counting/count-words-in-file.js';
import { CountEvents } from '../counting/count-events.js';

/** The work of this app: one task for each file. */
@Injectable()
export class CountWordsTask {
  constructor(private readonly events: CountEvents) {}

  /**
   * A file that cannot be read makes the task fail, and a dead letter of it says why. The counters have this
   * task in their configuration; `general` runs it too where it is published without a routing key.
   */
  @Task('count_words', { timeoutSeconds: 60, workers: ['general'] })
  async countWords(@Arg(0) path: string, @TaskContext() { uuid, worker, signal }: TaskContext): Promise<void> {
    try {
      const count = await countWordsInFile(path, signal);
      this.events.next({ uuid, worker, path, count });
    } catch (error) {
      this.events.next({ uuid, worker, path, problem: (error as Error).message });
      throw error;
    }
  }
}
