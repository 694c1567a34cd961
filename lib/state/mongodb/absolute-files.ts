import { resolve } from 'node:path';

/** Options of a MongoDB URL that name files. The driver reads them with each connection, when the working folder may be another. */
const FILES = /([?&](?:tlsCAFile|tlsCRLFile|tlsCertificateKeyFile)=)([^&]+)/gi;

export function withAbsoluteFiles(url: string): string {
  return url.replace(FILES, (_, option: string, file: string) => option + encodeURIComponent(resolve(decoded(file))));
}

/** What is no text is left for the driver to refuse. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
