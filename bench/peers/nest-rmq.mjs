import { randomUUID } from 'node:crypto';
import 'reflect-metadata';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, Ctx, EventPattern, MessagePattern, Payload, RmqContext, Transport } from '@nestjs/microservices';
import { queueNames, queueOptions } from './queues.mjs';

/** Nest's own transport, with events, or with messages where the results are wanted: one client and one microservice for each queue. */
export async function open(settings, onTask) {
  const names = queueNames(settings);
  const clients = new Map(names.map((name) => [name, ClientProxyFactory.create(transport(settings, name, {}))]));
  // Connecting declares the queue, for whoever publishes first.
  for (const client of clients.values()) await client.connect();
  const way = settings.results === 'on' ? 'send' : 'emit';
  const app = settings.role === 'publish' ? undefined : await NestFactory.create(moduleOf(onTask, settings.results === 'on' ? MessagePattern : EventPattern), { logger: ['error', 'warn'] });
  for (const name of names) app?.connectMicroservice({ ...transport(settings, name, { noAck: false, prefetchCount: settings.limit }) });
  return {
    publish({ name, args }, queue, done) {
      clients.get(queue)[way](name, { uuid: randomUUID(), name, args }).subscribe({ complete: () => done(), error: done });
    },
    consume: () => app.startAllMicroservices(),
    async close() {
      await app?.close();
      for (const client of clients.values()) await client.close();
    },
  };
}

function transport(settings, queue, serverOnly) {
  return {
    transport: Transport.RMQ,
    options: { urls: [settings.server], queue, queueOptions: queueOptions(settings), persistent: true, ...serverOnly },
  };
}

function moduleOf(onTask, Pattern) {
  class Tasks {
    async run(task, context) {
      await onTask(Number(task.args[1]?.value ?? 0));
      context.getChannelRef().ack(context.getMessage());
      return null;
    }
  }
  Pattern('task_1')(Tasks.prototype, 'run', Object.getOwnPropertyDescriptor(Tasks.prototype, 'run'));
  Payload()(Tasks.prototype, 'run', 0);
  Ctx()(Tasks.prototype, 'run', 1);
  Reflect.defineMetadata('design:paramtypes', [Object, RmqContext], Tasks.prototype, 'run');
  Controller()(Tasks);
  class BenchModule {}
  Module({ controllers: [Tasks] })(BenchModule);
  return BenchModule;
}
