import { createRequire } from 'node:module';

/** Of the application's Nest; `undefined` where it does not say. */
export function nestVersion(): string | undefined {
  try {
    const { version } = createRequire(__filename)('@nestjs/core/package.json') as { version?: unknown };
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}
