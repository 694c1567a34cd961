import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { DispatcherHealthIndicator } from './dispatcher-health-indicator.js';

/** Has `DispatcherHealthIndicator` to inject, and what terminus needs for it. @publicApi */
@Module({ imports: [TerminusModule], providers: [DispatcherHealthIndicator], exports: [DispatcherHealthIndicator, TerminusModule] })
export class DispatcherTerminusModule {}
