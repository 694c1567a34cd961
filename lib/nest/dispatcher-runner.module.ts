import {
  Inject, Module, type DynamicModule, type OnApplicationBootstrap, type OnModuleDestroy,
} from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { dispatcherOf } from './dispatcher-of.js';
import { setDistance } from './module-registry.js';

const RUNNER_OF = Symbol('the name of the dispatcher that this module runs');

/**
 * Starts consuming after every other module has started, and drains before any other module is destroyed: a
 * running task keeps its database. It must be a module of its own for that, because a global module starts
 * first and ends last.
 */
@Module({})
export class DispatcherRunnerModule implements OnApplicationBootstrap, OnModuleDestroy {
  static for(name: string): DynamicModule {
    return { module: DispatcherRunnerModule, providers: [{ provide: RUNNER_OF, useValue: name }] };
  }

  constructor(
    @Inject(RUNNER_OF) private readonly name: string,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) container: ModulesContainer,
  ) {
    setDistance(container, RUNNER_OF, name, -1);
  }

  async onApplicationBootstrap(): Promise<void> {
    await dispatcherOf(this.moduleRef, this.name)?.start();
  }

  async onModuleDestroy(): Promise<void> {
    await dispatcherOf(this.moduleRef, this.name)?.drain();
  }
}
