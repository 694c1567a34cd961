import { Injectable } from '@nestjs/common';
import { Task } from 'nestjs-dispatcher';

/** Computes without a pause: in a thread, where nothing has to wait for it. */
@Injectable()
export class PrimesTask {
  /** How many primes there are below a number. What takes longer than 20 seconds is ended, whatever it does. */
  @Task('primes', { thread: true, timeoutSeconds: 20 })
  run(below: number): number {
    let count = 0;
    for (let candidate = 2; candidate < below; candidate++) if (isPrime(candidate)) count++;
    return count;
  }
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) return false;
  return true;
}
