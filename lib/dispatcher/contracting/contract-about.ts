import { text } from '../../task/option-kinds.js';
import { checkOptions } from '../../task/options.js';

/** How a contract calls the application. @publicApi */
export interface ContractAbout {
  /** Default: the exchange. */
  title?: string;
  /** As its makers count. Default: `1.0.0`. */
  version?: string;
}

/** @throws ConfigurationError */
export function checkAbout(about: ContractAbout | undefined): ContractAbout {
  return checkOptions(about, { title: text(), version: text(100) }, { of: 'contract', example: "{ title: 'Orders', version: '2.1.0' }" });
}
