import { contractOf } from '../../contract/describe/contract-of.js';
import type { Contract } from '../../contract/model.js';
import type { Placement } from '../placement/placement.js';
import { checkAbout, type ContractAbout } from './contract-about.js';
import { contractFacts, type ContractWorker } from './contract-facts.js';

export interface ContractingParts {
  readonly config: { readonly exchange: string; readonly defaultRoutingKey: string };
  readonly placement: Pick<Placement, 'versions'>;
  readonly workers: { list(): readonly ContractWorker[] };
}

/** The contract of this process' tasks, as they are now. @throws ConfigurationError */
export function contractFrom({ config: { exchange, defaultRoutingKey }, placement, workers }: ContractingParts, about?: ContractAbout): Contract {
  const { title = exchange, version = '1.0.0' } = checkAbout(about);
  return contractOf({ title, version, exchange }, contractFacts({ defaultRoutingKey, tasks: placement.versions, workers: workers.list() }));
}
