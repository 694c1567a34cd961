import { v4, v5, v7 } from 'uuid';
import { ConfigurationError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import type { BuiltInIdMaker, IdMaker, IdMakerName } from '../../task/id-maker.js';
import { nearestName } from '../../task/nearest-name.js';
import { canonical } from '../../task/unique.js';
import { clock } from '../../time/clock.js';

/** Of uuids that are made of a task's name and arguments. */
const OF_ARGUMENTS = '5f0c7c9e-6a0b-4d0e-9a3e-6f2b8c1d7e40';
const MOST_PER_MILLISECOND = 2 ** 32;

const uuidV4: IdMaker & { readonly name: BuiltInIdMaker } = { name: 'uuid-v4', make: () => v4() };

/** Equal names and arguments, equal uuid. Their types count: the text "1" is not the number. */
const byArguments: IdMaker & { readonly name: BuiltInIdMaker } = {
  name: 'arguments',
  make: ({ name, args }) => v5(`${name.length}:${name}${canonical(args.map(({ type, value }) => [type, value]))}`, OF_ARGUMENTS),
};

/** What a configuration says of the uuids of its tasks. */
export interface IdsConfig {
  readonly makers: IdMakers;
  /** For tasks that do not say another. `undefined`: a plain uuid. */
  readonly otherwise: IdMaker | undefined;
}

/** The makers of uuids of one dispatcher, by name. */
export class IdMakers {
  private readonly known: ReadonlyMap<string, IdMaker>;

  /** @throws ConfigurationError where two have one name, or one is no maker */
  constructor(own: readonly IdMaker[] = []) {
    const builtIn: readonly (IdMaker & { readonly name: BuiltInIdMaker })[] = [uuidV4, ordered(), sequence(), byArguments];
    const known = new Map<string, IdMaker>(builtIn.map((maker) => [maker.name, maker]));
    own.forEach((maker, index) => {
      checkMaker(maker, `idMakers[${index}]`, known);
      known.set(maker.name, maker);
    });
    this.known = known;
  }

  /** @throws ConfigurationError that lists the known ones */
  get(name: IdMakerName, where: string): IdMaker {
    const maker = this.known.get(name);
    if (maker !== undefined) return maker;
    const names = [...this.known.keys()];
    const nearest = nearestName(String(name), names);
    throw new ConfigurationError(`${where} is ${display(name)}, which makes no ids. ${nearest === undefined ? '' : `Did you mean "${nearest}"? `}`
      + `There are ${names.join(', ')}; those of your own stand in idMakers of the dispatcher's configuration.`, { option: where, known: names });
  }
}

/** Those of one process are in the order in which they were made, also within a millisecond. */
function ordered(): IdMaker & { readonly name: BuiltInIdMaker } {
  let last = 0;
  let seq = 0;
  return {
    name: 'uuid-v7',
    make: () => {
      const now = clock.now();
      // A clock that is put back must not put later ones before earlier ones.
      if (now > last) {
        last = now;
        seq = Math.floor(clock.random() * (MOST_PER_MILLISECOND / 2));
      } else if (++seq === MOST_PER_MILLISECOND) {
        last++;
        seq = 0;
      }
      return v7({ msecs: last, seq });
    },
  };
}

/** Short, in order, and of this process alone: a bare number would be given again by the next one. */
function sequence(): IdMaker & { readonly name: BuiltInIdMaker } {
  const prefix = v4().replaceAll('-', '').slice(0, 20);
  let count = 0;
  return { name: 'sequence', make: () => `${prefix}-${++count}` };
}

/** @throws ConfigurationError */
function checkMaker(maker: unknown, where: string, known: ReadonlyMap<string, IdMaker>): void {
  const { name, make } = (typeof maker === 'object' && maker !== null ? maker : {}) as Partial<IdMaker>;
  if (typeof name !== 'string' || name === '' || typeof make !== 'function') {
    throw new ConfigurationError(`${where} must be an IdMaker: an object with name and make(task); found ${display(maker)}.`, { option: where });
  }
  if (known.has(name)) throw new ConfigurationError(`${where} is named "${name}", as another is. Give it a name of its own.`, { option: where, name });
}

/** @throws ConfigurationError */
export function checkIds(ids: unknown, makers: unknown): IdsConfig {
  if (makers !== undefined && !Array.isArray(makers)) throw new ConfigurationError(`idMakers must be a list such as [myIdMaker]; found ${display(makers)}.`, { option: 'idMakers' });
  const known = new IdMakers(makers as IdMaker[] | undefined);
  const otherwise = ids === undefined ? uuidV4 : known.get(ids as IdMakerName, 'ids');
  return { makers: known, otherwise: otherwise === uuidV4 ? undefined : otherwise };
}
