import { randomUUID } from 'node:crypto';
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AmqpConnection, RabbitMQModule, RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import { queueNames, queueOptions } from './queues.mjs';

/** golevelup inside Nest, as its documentation shows it: a decorated handler for each queue. */
export async function open(settings, onTask) {
  const names = queueNames(settings);
  const consuming = settings.role === 'consume';
  const create = () => NestFactory.createApplicationContext(moduleOf(settings, names, onTask), { logger: ['error', 'warn'] });
  // Its subscribers start with the application, so a worker's waits for the driver; the queues must be there before.
  const declaring = consuming ? new AmqpConnection(configOf(settings, names)) : undefined;
  await declaring?.init();
  let app = consuming ? undefined : await create();
  const amqp = app?.get(AmqpConnection);
  return {
    publish({ name, args }, queue, done) {
      amqp.publish(settings.prefix, queue, { uuid: randomUUID(), name, args }).then(() => done(), done);
    },
    async consume() {
      app = await create();
    },
    async close() {
      await app?.close();
      await declaring?.close();
    },
  };
}

function moduleOf(settings, names, onTask) {
  const providers = settings.role === 'publish' ? [] : names.map((name) => subscriber(settings, name, onTask));
  class BenchModule {}
  Module({ imports: [RabbitMQModule.forRoot(configOf(settings, names))], providers })(BenchModule);
  return BenchModule;
}

function configOf(settings, names) {
  const options = queueOptions(settings);
  return {
    uri: settings.server,
    prefetchCount: settings.limit,
    exchanges: [{ name: settings.prefix, type: 'direct' }],
    queues: names.map((name) => ({ name, exchange: settings.prefix, routingKey: name, options })),
    connectionInitOptions: { wait: true },
    defaultPublishOptions: { persistent: true, contentType: 'application/json' },
  };
}

function subscriber(settings, name, onTask) {
  class Subscriber {
    async run(task) {
      await onTask(Number(task.args[1]?.value ?? 0));
    }
  }
  const options = { exchange: settings.prefix, routingKey: name, queue: name, queueOptions: queueOptions(settings) };
  RabbitSubscribe(options)(Subscriber.prototype, 'run', Object.getOwnPropertyDescriptor(Subscriber.prototype, 'run'));
  Injectable()(Subscriber);
  return Subscriber;
}
