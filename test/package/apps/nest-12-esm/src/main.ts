import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { DispatcherService, type PublishedTask } from 'nestjs-dispatcher';
import { AppModule } from './app.module.js';
import { MathTasks } from './math-tasks.js';

async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
  const ran = new Promise<void>((resolve) => { app.get(MathTasks).done = resolve; });
  const task: PublishedTask = await app.get(DispatcherService).client(MathTasks).add(2, 3);
  console.log(`published ${task.uuid}`);
  await ran;
  await app.close();
}

void main();
