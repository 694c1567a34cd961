/** Injects the {@link Settings}. */
export const SETTINGS = Symbol('settings');
