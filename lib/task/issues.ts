import { isList, propertyOf, shortened, textOf } from './error-text.js';

/** What is wrong is told to the end, within these: a list of arguments may have a million elements. */
const MOST_ISSUES = 100;
const LONGEST_ISSUE = 500;
const DEEPEST = 6;

/** Where libraries put their lists. */
const LISTS = ['issues', 'details', 'message', 'errors'] as const;

/** What libraries that validate say in their own ways, one text each, `path: message`. */
export class Issues {
  private readonly list: string[] = [];
  private more = 0;

  get isUseless(): boolean {
    return this.list.length === 0;
  }

  addAllOf(failure: unknown): void {
    const list = isList(failure) ? failure : LISTS.map((name) => propertyOf(failure, name)).find(isList);
    if (list !== undefined) this.addList(list, '', 0);
  }

  texts(otherwise: string): readonly string[] {
    if (this.list.length === 0) return [shortened(otherwise, LONGEST_ISSUE)];
    return this.more === 0 ? this.list : [...this.list, `and ${this.more} more`];
  }

  private addList(list: unknown, path: string, depth: number): void {
    const length = propertyOf(list, 'length');
    const count = typeof length === 'number' ? length : 0;
    for (let index = 0; index < count; index++) {
      if (this.list.length >= MOST_ISSUES) {
        this.more += count - index;
        return;
      }
      this.add(propertyOf(list, String(index)), path, depth);
    }
  }

  private add(issue: unknown, path: string, depth: number): void {
    if (typeof issue !== 'object' || issue === null) return this.note(textOf(issue), path);
    const property = propertyOf(issue, 'property');
    if (typeof property === 'string') return this.addClassValidators(issue, joined(path, property), depth);
    const message = propertyOf(issue, 'message');
    this.note(typeof message === 'string' ? message : 'is not valid', joined(path, pathText(propertyOf(issue, 'path'))));
  }

  /** Its errors are a tree, whose leaves have the messages. */
  private addClassValidators(error: object, path: string, depth: number): void {
    const constraints = propertyOf(error, 'constraints');
    if (typeof constraints === 'object' && constraints !== null) this.addList(valuesOf(constraints), path, depth);
    const children = propertyOf(error, 'children');
    if (isList(children) && depth < DEEPEST) this.addList(children, path, depth + 1);
  }

  private note(message: string, path: string): void {
    this.list.push(shortened(path === '' ? message : `${path}: ${message}`, LONGEST_ISSUE));
  }
}

function valuesOf(value: object): unknown[] {
  try {
    return Object.values(value);
  } catch {
    return [];
  }
}

/** `['user', 'tags', 0]`, of valibot `[{ key: 'user' }, ...]`. */
function pathText(path: unknown): string {
  if (typeof path === 'string') return path;
  if (!isList(path)) return '';
  try {
    return path.slice(0, 20).map((part) => textOf(propertyOf(part, 'key') ?? part)).join('.');
  } catch {
    return '';
  }
}

function joined(path: string, next: string): string {
  return path === '' || next === '' ? `${path}${next}` : `${path}.${next}`;
}
