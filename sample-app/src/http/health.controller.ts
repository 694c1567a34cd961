import { Controller, Get, HttpException } from '@nestjs/common';
import { DispatcherService, type DispatcherHealth } from 'nestjs-dispatcher';

/** For load balancers and people: 200 while tasks can be published, 503 while they cannot. */
@Controller('health')
export class HealthController {
  constructor(private readonly dispatcher: DispatcherService) {}

  @Get()
  health(): DispatcherHealth {
    const health = this.dispatcher.health();
    if (health.details.connection === 'ready') return health;
    throw new HttpException({ statusCode: 503, code: 'ERR_SAMPLE_UNAVAILABLE', ...health }, 503);
  }
}
