import { RoutingTable, type DeclaredQueue } from '../routing-table.js';
import { ownerOf, queueKey } from './keys.js';
import type { ProcessIdentity } from './process-identity.js';
import { readNumber, type Tables } from './tables.js';

const STATE_KEY = Buffer.from('state');
const TOPOLOGY_KEY = Buffer.from('topology');

/** The few numbers that every transaction reads, in one record. */
export interface StateNumbers {
  /** The next message, owner or body gets this number; never given out twice. */
  nextOrder: number;
  topologyVersion: number;
  ownersVersion: number;
}

/** A process that has the folder open. */
export interface OwnerRecord {
  readonly process: ProcessIdentity;
  /** How many consumers it has, by queue. */
  readonly consumers: Readonly<Record<number, number>>;
}

export function readState({ meta }: Tables): StateNumbers {
  const record = meta.getBinary(STATE_KEY);
  if (record === undefined) return { nextOrder: 1, topologyVersion: 0, ownersVersion: 0 };
  return { nextOrder: record.readDoubleBE(0), topologyVersion: record.readDoubleBE(8), ownersVersion: record.readDoubleBE(16) };
}

export function writeState({ meta }: Tables, state: StateNumbers): void {
  const record = Buffer.allocUnsafe(24);
  record.writeDoubleBE(state.nextOrder, 0);
  record.writeDoubleBE(state.topologyVersion, 8);
  record.writeDoubleBE(state.ownersVersion, 16);
  void meta.put(STATE_KEY, record);
}

function readRoutes({ meta }: Tables): RoutingTable {
  const record = meta.getBinary(TOPOLOGY_KEY);
  return RoutingTable.from(record === undefined ? [] : (JSON.parse(record.toString()) as DeclaredQueue[]));
}

export function writeRoutes({ meta }: Tables, routes: RoutingTable): void {
  void meta.put(TOPOLOGY_KEY, Buffer.from(JSON.stringify(routes.queues)));
}

function readOwners({ owners }: Tables): Map<number, OwnerRecord> {
  const found = new Map<number, OwnerRecord>();
  for (const { key, value } of owners.getRange({})) found.set(ownerOf(key), JSON.parse(value.toString()) as OwnerRecord);
  return found;
}

export function readCount({ counts }: Tables, queueId: number): number {
  return readNumber(counts, queueKey(queueId));
}

/** What this process remembers of the folder, each with the version that it was read at. */
export class StateCache {
  private routes = new RoutingTable();
  private routesVersion = -1;
  private owners: ReadonlyMap<number, OwnerRecord> = new Map();
  private ownersVersion = -1;

  constructor(private readonly tables: Tables) {}

  /** As they were read last. */
  get knownRoutes(): RoutingTable {
    return this.routes;
  }

  routesAt(version: number): RoutingTable {
    if (version !== this.routesVersion) {
      this.routes = readRoutes(this.tables);
      this.routesVersion = version;
    }
    return this.routes;
  }

  ownersAt(version: number): ReadonlyMap<number, OwnerRecord> {
    if (version !== this.ownersVersion) {
      this.owners = readOwners(this.tables);
      this.ownersVersion = version;
    }
    return this.owners;
  }
}
