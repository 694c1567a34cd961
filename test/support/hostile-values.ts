import fc from 'fast-check';

function thrower(): never {
  throw new Error('do not touch');
}

/** A proxy whose every trap throws. */
export function hostileProxy(target: object = {}): object {
  return new Proxy(target, new Proxy({}, { get: () => thrower }));
}

export function revokedProxy(target: object = {}): object {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

/** An error whose property throws when it is read. */
export function errorWithGetter(name: string): Error {
  return Object.defineProperty(new Error('with a getter'), name, { get: thrower });
}

/** What handlers have been seen to throw, and what they might: by name, made anew for each use. */
export const HOSTILE_VALUES: Readonly<Record<string, () => unknown>> = {
  'undefined': () => undefined,
  'null': () => null,
  'a text': () => 'text',
  'a huge text': () => 'x'.repeat(5_000_000),
  'a bigint': () => 10n ** 200n,
  'a symbol': () => Symbol('thrown'),
  'a function': () => thrower,
  'a null prototype': () => Object.create(null) as unknown,
  'a throwing toString': () => ({ toString: thrower }),
  'a toString that gives no text': () => ({ toString: () => ({}), valueOf: () => ({}) }),
  'a throwing toPrimitive': () => ({ [Symbol.toPrimitive]: thrower }),
  'a revoked proxy': () => revokedProxy(),
  'a revoked proxy of a function': () => revokedProxy(thrower),
  'a proxy whose traps throw': () => hostileProxy(),
  'a proxy of an error whose traps throw': () => hostileProxy(new Error('inside')),
  'an error without a prototype': () => Object.setPrototypeOf(new Error('lost'), null) as unknown,
  'an error with a symbol as message': () => Object.assign(new Error(), { message: Symbol('message') }),
  'an error with an object as name': () => Object.assign(new Error('named'), { name: { toString: thrower } }),
  'an error with a huge message': () => new Error('y'.repeat(5_000_000)),
  'an error with a throwing getter for stack': () => errorWithGetter('stack'),
  'an error with a throwing getter for message': () => errorWithGetter('message'),
  'an error with a throwing getter for name': () => errorWithGetter('name'),
  'an error with a throwing getter for cause': () => errorWithGetter('cause'),
  'an error with a throwing getter for code': () => errorWithGetter('code'),
  'an error with a throwing getter for constructor': () => errorWithGetter('constructor'),
  'an error with a throwing getter for errors': () => Object.defineProperty(new AggregateError([], 'of none'), 'errors', { get: thrower }),
  'an aggregate of a revoked proxy': () => Object.assign(new AggregateError([], 'of none'), { errors: revokedProxy([]) }),
  'an aggregate of a list whose traps throw': () => Object.assign(new AggregateError([], 'of none'), { errors: hostileProxy([]) }),
  'an aggregate of hostile errors': () => new AggregateError([hostileProxy(new Error('inside')), revokedProxy(), errorWithGetter('message'), undefined], 'of four'),
  'an aggregate of many': () => new AggregateError(Array.from({ length: 10_000 }, () => 'x'), 'of many'),
  'an aggregate of itself': () => {
    const error = new AggregateError([], 'again');
    return Object.assign(error, { errors: [error, error], cause: error });
  },
  'a tree of huge aggregates': () => tree(2),
  'an error that causes itself': () => {
    const error = new Error('again');
    return Object.assign(error, { cause: error });
  },
};

function tree(depth: number): Error {
  const members = depth === 0 ? [] : Array.from({ length: 8 }, () => tree(depth - 1));
  return new AggregateError(members, 'z'.repeat(10_000), depth === 0 ? {} : { cause: new Error('w'.repeat(10_000)) });
}

type Make = () => unknown;

/** Any of them, or anything else that JavaScript can throw; as what makes it, because a generator of values touches them. */
export function anyThrown(): fc.Arbitrary<Make> {
  const honest = fc.anything({ withNullPrototype: true, withBigInt: true, withTypedArray: true, withDate: true }).map((value): Make => () => value);
  const value = fc.oneof(honest, fc.constantFrom(...Object.values(HOSTILE_VALUES)));
  const properties = fc.dictionary(fc.constantFrom('message', 'name', 'stack', 'cause', 'errors', 'code', 'toString'), value);
  return fc.oneof(value, properties.map((makers): Make => () => errorWith(makers)));
}

function errorWith(makers: Record<string, Make>): Error {
  const error = new Error('base');
  // The stack is made of name and message when it is first touched: a hostile one comes first.
  const names = Object.keys(makers).sort((a, b) => Number(b === 'stack') - Number(a === 'stack'));
  for (const name of names) Object.defineProperty(error, name, { get: makers[name] });
  return error;
}
