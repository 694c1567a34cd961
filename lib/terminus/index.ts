export { DispatcherHealthIndicator, type DispatcherHealthOptions } from './dispatcher-health-indicator.js';
export { DispatcherTerminusModule } from './dispatcher-terminus.module.js';
