/** How often the tasks of a simulation may start in all. */
export const ATTEMPTS = 4;
/** How many of the name `limited` may run at once, in all processes. */
export const GLOBAL_LIMIT = 2;
