import { Injectable, Logger } from '@nestjs/common';
import { Task } from 'nestjs-dispatcher';

/** The task of gofort/dispatcher's own examples: a Go service can publish it, and run it, too. */
@Injectable()
export class GoExampleTask {
  private readonly logger = new Logger('task_1');

  /** Positional arguments, as in Go; no decorator is needed. */
  @Task('task_1')
  run(text: string, number: number): void {
    this.logger.log(`got the string ${JSON.stringify(text)} and the int ${number}`);
  }
}
