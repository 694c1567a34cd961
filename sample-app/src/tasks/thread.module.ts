import { Module } from '@nestjs/common';
import { PrimesTask } from './primes.task.js';

/** What each thread makes for itself: small, and nothing that connects anywhere. */
@Module({ providers: [PrimesTask] })
export class ThreadModule {}
