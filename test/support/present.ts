/** So many of one kind. */
export type Tuple<T, Count extends number, Items extends readonly T[] = readonly []> =
  number extends Count ? readonly T[] : Items['length'] extends Count ? Items : Tuple<T, Count, readonly [...Items, T]>;

/** What must be there for a test to go on. @throws Error that says what is missing */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`There is no ${what}.`);
  return value;
}

/** The item at an index that must be there. @throws Error that says how many there are */
export function itemAt<T>(items: readonly T[], index: number): T {
  return present(items[index], `item ${index} among ${items.length}`);
}

/** The first so many, to be taken apart. @throws Error where there are fewer */
export function firstOf<T, Count extends number>(items: readonly T[], count: Count): Tuple<T, Count> {
  if (items.length < count) throw new Error(`There should be ${count} items at least, and there are ${items.length}.`);
  return items.slice(0, count) as unknown as Tuple<T, Count>;
}
