import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { HealthIndicatorService, type HealthIndicatorResult } from '@nestjs/terminus';
import { ConfigurationError, getDispatcherToken, type DispatcherHealth, type DispatcherService } from '../index.js';

/** @publicApi */
export interface DispatcherHealthOptions {
  /** The name of the dispatcher, where an application has several. Default: `default`. */
  dispatcher?: string;
  /**
   * What readiness says of a dispatcher that works on though not all is well: it reconnects and bridges that, the broker
   * takes no tasks for now, or a consumer is being brought back. Default: `up`.
   */
  whenDegraded?: 'up' | 'down';
}

const DEFAULT_DISPATCHER = 'default';
const WHEN_DEGRADED = ['up', 'down'];

/**
 * Tells `@nestjs/terminus`, 11 or 12, how a dispatcher is:
 *
 *     @Get('ready') @HealthCheck()
 *     ready() { return this.health.check([() => this.dispatcher.readiness('dispatcher')]); }
 *
 * @publicApi
 */
@Injectable()
export class DispatcherHealthIndicator {
  constructor(@Inject(HealthIndicatorService) private readonly indicators: HealthIndicatorService, @Inject(ModuleRef) private readonly moduleRef: ModuleRef) {}

  /**
   * Whether tasks travel: `down` once the broker is away for longer than a publish waits for it, and before the start and
   * after the end. For a probe that takes an instance out of its load balancer, not for one that restarts it.
   *
   * @param key by which terminus tells of it
   * @throws ConfigurationError for a dispatcher that does not exist, and for options that cannot be
   */
  readiness(key: string, options: DispatcherHealthOptions = {}): HealthIndicatorResult {
    const health = this.healthOf(options);
    const isReady = health.status === 'up' || (health.status === 'degraded' && options.whenDegraded !== 'down');
    return this.told(key, health, isReady);
  }

  /**
   * Whether it can get well by itself: an outage of the broker, however long, is bridged and makes nothing `down`; a
   * connection that was given up (`reconnectionRetries` spent) does, since only a new start helps.
   *
   * @param key by which terminus tells of it
   * @throws ConfigurationError for a dispatcher that does not exist, and for options that cannot be
   */
  liveness(key: string, options: Pick<DispatcherHealthOptions, 'dispatcher'> = {}): HealthIndicatorResult {
    const health = this.healthOf(options);
    return this.told(key, health, health.details.connection !== 'broken');
  }

  private told(key: string, { status, details: { connection, since, cause, workers, lostConsumers, paused } }: DispatcherHealth, isUp: boolean): HealthIndicatorResult {
    const indicator = this.indicators.check(key);
    const told = { dispatcher: status, connection, since, workers: workers.length, ...(cause === undefined ? {} : { cause }), lostConsumers: [...lostConsumers], paused: paused.length };
    return isUp ? indicator.up(told) : indicator.down(told);
  }

  private healthOf({ dispatcher = DEFAULT_DISPATCHER, whenDegraded = 'up' }: DispatcherHealthOptions): DispatcherHealth {
    if (!WHEN_DEGRADED.includes(whenDegraded)) throw new ConfigurationError(`whenDegraded must be 'up' or 'down'; found ${JSON.stringify(whenDegraded)}.`, { option: 'whenDegraded' });
    return this.dispatcherOf(dispatcher).health();
  }

  private dispatcherOf(name: string): DispatcherService {
    try {
      return this.moduleRef.get<DispatcherService>(getDispatcherToken(name), { strict: false });
    } catch {
      throw new ConfigurationError(`There is no dispatcher "${name}" in this application. Import DispatcherModule.forRoot, or correct the option dispatcher.`, { dispatcher: name });
    }
  }
}
