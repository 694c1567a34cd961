export const API_FILE: string;
export function publicApi(): string;
