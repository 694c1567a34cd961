/** Keys of a document for whatever names there are: the same names in the same order get the same keys, each its own. */
export class Keys {
  private readonly taken = new Set<string>();

  /** Of letters, digits, `.`, `-` and `_`, as AsyncAPI wants them. */
  of(name: string): string {
    const plain = name.replace(/[^A-Za-z0-9._-]/g, '_') || '_';
    // What every object has already is no key of its own.
    const base = plain in Object.prototype ? `${plain}_` : plain;
    let key = base;
    for (let count = 2; this.taken.has(key); count++) key = `${base}_${count}`;
    this.taken.add(key);
    return key;
  }
}
