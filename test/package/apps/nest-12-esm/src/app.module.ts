import { Module } from '@nestjs/common';
import { DispatcherModule } from 'nestjs-dispatcher';
import { MathTasks } from './math-tasks.js';

@Module({
  imports: [
    DispatcherModule.forRoot({
      broker: process.env.BROKER ?? 'embedded:',
      exchange: 'app',
      defaultRoutingKey: 'maths',
      workers: [{ name: 'maths', queue: 'maths', bindingKeys: ['maths'] }],
    }),
  ],
  providers: [MathTasks],
})
export class AppModule {}
