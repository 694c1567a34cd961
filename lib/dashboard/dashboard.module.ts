import { ConfigurableModuleBuilder, Inject, Logger, Module, RequestMethod, type DynamicModule, type MiddlewareConsumer, type NestModule, type OnModuleDestroy } from '@nestjs/common';
import { ApplicationConfig, ModuleRef, ModulesContainer } from '@nestjs/core';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { ConfigurationError } from '../errors.js';
import { getDispatcherToken, type DispatcherService } from '../index.js';
import { registeredNames } from '../nest/module-registry.js';
import { DashboardServer } from './dashboard-server.js';
import { readAssets, type Assets } from './http/assets.js';
import { checkDashboardOptions, type CheckedOptions, type DashboardOptions } from './options.js';
import { AuditLog } from './panel/audit-log.js';
import { Curtain } from './panel/curtain.js';
import { Panel } from './panel/panel.js';

/** The page itself; for tests to put another one in its place. */
export const DASHBOARD_ASSETS = Symbol('DASHBOARD_ASSETS');

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<DashboardOptions>()
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createDashboardOptions')
  .build();

/**
 * The dashboard of the application's dispatchers, as middleware of its HTTP server, Express or Fastify:
 *
 *     DispatcherDashboardModule.forRoot({ authenticate: (request) => users.ofSession(request) })
 *
 * It asks for its users by itself: guards of the application do not stand in front of it.
 *
 * @publicApi
 */
@Module({ providers: [{ provide: DASHBOARD_ASSETS, useFactory: () => readAssets(join(__dirname, 'ui')) }] })
export class DispatcherDashboardModule extends ConfigurableModuleClass implements NestModule, OnModuleDestroy {
  private readonly logger = new Logger('DispatcherDashboard');
  private readonly options: CheckedOptions;
  private server: DashboardServer | undefined;

  /** @throws ConfigurationError, when the application starts, for what cannot work */
  static override forRoot(options: DashboardOptions): DynamicModule {
    return super.forRoot(checkDashboardOptions(options));
  }

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) options: DashboardOptions, @Inject(DASHBOARD_ASSETS) private readonly assets: Assets,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef, @Inject(ModulesContainer) private readonly container: ModulesContainer,
    @Inject(ApplicationConfig) private readonly application: ApplicationConfig,
  ) {
    super();
    // Those of forRootAsync are only known now.
    this.options = checkDashboardOptions(options);
  }

  configure(consumer: MiddlewareConsumer): void {
    const { path } = this.options;
    const panels = this.panels();
    const server = this.server = new DashboardServer({ options: this.options, panels, assets: this.assets, problem: (text, error) => this.problem(text, error) });
    const prefix = this.application.getGlobalPrefix().replace(/^\/?(.*?)\/?$/, '/$1').replace(/^\/$/, '');
    consumer
      .apply((request: IncomingMessage & { originalUrl?: string }, response: ServerResponse, next: () => void) => {
        const rest = pathBehind([`${prefix}${path}`, path], request.originalUrl ?? request.url ?? '');
        if (rest === undefined) return next();
        void server.handle(request, response, rest);
      })
      // On Fastify a path is only itself, on Express also all below it.
      .forRoutes({ path, method: RequestMethod.ALL }, { path: `${path}/*splat`, method: RequestMethod.ALL });
    if (this.options.insecure) this.logger.warn('The dashboard is insecure: whoever is on this machine may look and act. Configure authenticate for anything but development.');
  }

  /** Before the HTTP server closes, which waits for every open page. */
  onModuleDestroy(): void {
    this.server?.close();
  }

  private panels(): Panel[] {
    const known = registeredNames(this.container);
    const { dispatchers = known, redact, audit } = this.options;
    const missing = dispatchers.find((name) => !known.includes(name));
    if (missing !== undefined) throw new ConfigurationError(`The dashboard is to show the dispatcher "${missing}", which this application does not have. It has: ${known.join(', ') || 'none'}.`, { dispatcher: missing });
    if (dispatchers.length === 0) throw new ConfigurationError('The dashboard has nothing to show: import DispatcherModule.forRoot beside it.');
    const curtain = new Curtain(redact);
    const log = new AuditLog((text) => this.logger.log(text), audit, (text, error) => this.problem(text, error));
    return dispatchers.map((name) => {
      const service = this.moduleRef.get<DispatcherService>(getDispatcherToken(name), { strict: false });
      return new Panel({ name, service, inspection: service.inspect, curtain, audit: log, now: () => Date.now() });
    });
  }

  private problem(text: string, error: unknown): void {
    this.logger.error(text, error instanceof Error ? error.stack : String(error));
  }
}

/** What stands behind the first of these paths that the address begins with. */
function pathBehind(bases: readonly string[], url: string): string | undefined {
  const [pathname = ''] = url.split('?', 1);
  const base = bases.find((each) => pathname === each || pathname.startsWith(`${each}/`));
  return base === undefined ? undefined : pathname.slice(base.length);
}
