/**
 * What middleware and handlers of one attempt share as `context.state`. Empty until your application says what is
 * in it, by declaration merging:
 *
 *     declare module 'nestjs-dispatcher' {
 *       interface TaskState { tenant?: string }
 *     }
 *
 * @publicApi
 */
// An interface, because a type could not be extended from outside.
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface TaskState {}
