import { ModuleRef } from '@nestjs/core';
import type { Module } from '@nestjs/core/injector/module';

type Class = new (...dependencies: never[]) => object;

/** The instance of a provider; `host` is the module to look in first. */
export type FindInModule = (provider: Class, host?: Module) => object;

/** Looks providers up in Nest's container, in the host module first. */
export function providerFinder(moduleRef: ModuleRef): FindInModule {
  return (provider, host) => {
    const own = host?.providers.get(provider)?.isNotMetatype === undefined ? undefined : host.providers.get(ModuleRef)?.instance as ModuleRef | undefined;
    return own === undefined ? moduleRef.get(provider, { strict: false }) : own.get(provider, { strict: true });
  };
}
