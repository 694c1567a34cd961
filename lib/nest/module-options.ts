import type { ServerConfig } from '../dispatcher/config/server-config.js';

/** What `forRoot` takes beside the configuration. @publicApi */
export interface DispatcherModuleExtras {
  /** Tells several dispatchers of one application apart, see `@InjectDispatcher(name)`. Default: `default`. */
  name?: string;
  /** Whether `DispatcherService` can be injected everywhere without importing the module again. Default: true. */
  isGlobal?: boolean;
}

/** For `forRootAsync({ useClass | useExisting })`. @publicApi */
export interface DispatcherOptionsFactory {
  createDispatcherOptions(): ServerConfig | Promise<ServerConfig>;
}
