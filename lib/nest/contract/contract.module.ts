import { Inject, Logger, Module, RequestMethod, type DynamicModule, type MiddlewareConsumer, type NestModule } from '@nestjs/common';
import { ApplicationConfig, ModuleRef } from '@nestjs/core';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CONTRACT_FORMATS } from '../../contract/text.js';
import { callable, type OptionKind, text } from '../../task/option-kinds.js';
import { checkOptions } from '../../task/options.js';
import { checkAbout, type ContractAbout } from '../../dispatcher/contracting/contract-about.js';
import { DEFAULT_DISPATCHER, getDispatcherToken } from '../dispatcher-token.js';
import type { DispatcherService } from '../dispatcher.service.js';
import { ContractAnswers } from './contract-answers.js';

/** @publicApi */
export interface DispatcherContractOptions extends ContractAbout {
  /** Where it is: `/asyncapi` is served as `/asyncapi.json` and `/asyncapi.yaml`, behind the application's global prefix. Default: `/asyncapi`. */
  path?: string;
  /**
   * Who may read it; guards of the application do not stand in front of it. It has names and types, and no data. Default:
   * everybody who reaches the application.
   */
  allow?: (request: IncomingMessage) => boolean | Promise<boolean>;
  /** The name of the dispatcher, where an application has several. Default: `default`. */
  dispatcher?: string;
}

const OPTIONS = Symbol('what is served of the contract');

const PATH: OptionKind = {
  expected: "a path such as '/asyncapi', of letters, digits, -, _, . and /",
  fits: (value) => typeof value === 'string' && value.length <= 200 && /^(\/[\w.-]+)+$/.test(value) && !/\/\.\.?(\/|$)/.test(value),
};

/**
 * Serves the contract as AsyncAPI, on Express and Fastify:
 *
 *     DispatcherContractModule.forRoot({ path: '/asyncapi', title: 'Orders', version: '2.1.0' })
 *
 * @publicApi
 */
@Module({})
export class DispatcherContractModule implements NestModule {
  private readonly logger = new Logger('DispatcherContract');

  /** @throws ConfigurationError for options that cannot be */
  static forRoot(options: DispatcherContractOptions = {}): DynamicModule {
    const { title, version, ...served } = checkOptions<DispatcherContractOptions>(options, {
      path: PATH, allow: callable, dispatcher: text(), title: text(), version: text(100),
    }, { of: 'DispatcherContractModule.forRoot', example: "{ path: '/asyncapi' }" });
    return { module: DispatcherContractModule, providers: [{ provide: OPTIONS, useValue: { ...served, about: checkAbout({ ...title === undefined ? {} : { title }, ...version === undefined ? {} : { version } }) } }] };
  }

  constructor(
    @Inject(OPTIONS) private readonly options: Pick<DispatcherContractOptions, 'path' | 'allow' | 'dispatcher'> & { about: ContractAbout },
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef, @Inject(ApplicationConfig) private readonly application: ApplicationConfig,
  ) {}

  configure(consumer: MiddlewareConsumer): void {
    const { path = '/asyncapi', allow = () => true, dispatcher = DEFAULT_DISPATCHER, about } = this.options;
    const service = this.moduleRef.get<DispatcherService>(getDispatcherToken(dispatcher), { strict: false });
    const answers = new ContractAnswers({ allow, contract: () => service.contract(about), problem: (error) => this.logger.error('The contract cannot be told.', error instanceof Error ? error.stack : String(error)) });
    const prefix = this.application.getGlobalPrefix().replace(/^\/?(.*?)\/?$/, '/$1').replace(/^\/$/, '');
    for (const format of CONTRACT_FORMATS) {
      const served = `${path}.${format}`;
      consumer
        .apply((request: IncomingMessage & { originalUrl?: string }, response: ServerResponse, next: () => void) => {
          const [pathname] = (request.originalUrl ?? request.url ?? '').split('?', 1);
          if (pathname !== served && pathname !== `${prefix}${served}`) return next();
          void answers.answer(request, response, format);
        })
        .forRoutes({ path: served, method: RequestMethod.ALL });
    }
  }
}
