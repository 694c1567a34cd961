import type { Topology } from '../../broker.js';
import { RoutingTable } from '../routing-table.js';
import type { WriteOperation } from './batch-writer.js';
import { writeRoutes } from './shared-state.js';
import type { StoreTransaction } from './store-transaction.js';

/** Adds queues and bindings that are missing. */
export class DeclareOperation implements WriteOperation {
  readonly bytes = 4096;

  constructor(
    private readonly exchange: string,
    private readonly topology: Topology,
    private readonly resolve: () => void,
    private readonly reject: (error: unknown) => void,
  ) {}

  apply(transaction: StoreTransaction): void {
    declareIn(transaction, this.exchange, this.topology);
  }

  committed(): void {
    this.resolve();
  }

  failed(error: unknown): boolean {
    this.reject(error);
    return false;
  }
}

/** @throws TopologyMismatchError; nothing has changed then */
export function declareIn(transaction: StoreTransaction, exchange: string, topology: Topology): void {
  // A copy: what is cached must not change before it is committed.
  const routes = RoutingTable.from(structuredClone(transaction.routes.queues));
  if (!routes.declare(exchange, topology)) return;
  writeRoutes(transaction.tables, routes);
  transaction.replaceRoutes(routes);
}
