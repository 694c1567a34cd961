import { Injectable } from '@nestjs/common';
import { Task } from 'nestjs-dispatcher';

/** What throws becomes a dead letter in `<queue>.dead`, with the error and its stack as headers. */
@Injectable()
export class FailingTask {
  @Task('fail')
  run(message: string): never {
    throw new Error(message);
  }
}
