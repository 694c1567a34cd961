export function findTlc(): { readonly java: string; readonly jar: string } | undefined;
