import type { PublishMatchers } from './matchers.js';

declare global {
  // eslint-disable-next-line @typescript-eslint/no-namespace -- as @types/jest declares it
  namespace jest {
    // eslint-disable-next-line @typescript-eslint/no-unused-vars, @typescript-eslint/no-empty-object-type -- as @types/jest declares it
    interface Matchers<R, T = {}> extends PublishMatchers<R> {}
  }
}
