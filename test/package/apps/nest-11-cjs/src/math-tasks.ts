import { Injectable } from '@nestjs/common';
import { Task } from 'nestjs-dispatcher';

@Injectable()
export class MathTasks {
  /** Told by the task how it ended: the process may go. */
  done: () => void = () => undefined;

  @Task('add')
  add(a: number, b: number): void {
    console.log(`the result is ${a + b}`);
    this.done();
  }
}
