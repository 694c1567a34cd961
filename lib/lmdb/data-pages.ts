import { readSync } from 'node:fs';

/**
 * The layout of the driver's data file, as far as it takes to see whether all of it is there: the
 * driver maps the file into memory, and touching a page that is missing ends the process at once.
 * Numbers are in the machine's byte order, which is little endian wherever the driver runs.
 */
const PAGE_HEADER = 24;
const MAGIC = 0xbeefc0de;
const SMALLEST_PAGE = 256;
const LARGEST_PAGE = 65_536;
/** In a meta page. */
const AT = { magic: 24, pageSize: 48, freeTree: 48, mainTree: 96, lastPage: 144, transaction: 152, end: 160 };
/** In the record of a tree. */
const TREE_ROOT_AT = 40;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
/** In the head of a page. */
const FLAGS_AT = 18;
const LOWER_AT = 20;
const BRANCH = 0x01;
const LEAF = 0x02;
/** In a node. */
const NODE_HEADER = 8;
const IN_OVERFLOW_PAGES = 0x01;
const IS_TREE = 0x02;
/** In what a node says of a large value: first page, transaction, how many pages. */
const OVERFLOW_PAGES_AT = 16;

export interface Meta {
  readonly pageSize: number;
  /** The file has so many pages, or fewer where the last ones are free. */
  readonly pages: number;
  readonly transaction: bigint;
  readonly roots: readonly bigint[];
}

/** The state that was committed last; `undefined` when this is no data file. */
export function readMeta(descriptor: number): Meta | undefined {
  const first = metaAt(descriptor, 0);
  if (first === undefined) return undefined;
  const second = metaAt(descriptor, first.pageSize);
  return second !== undefined && second.transaction > first.transaction ? second : first;
}

function metaAt(descriptor: number, position: number): Meta | undefined {
  const page = Buffer.alloc(AT.end);
  if (readSync(descriptor, page, 0, AT.end, position) < AT.end || page.readUInt32LE(AT.magic) !== MAGIC) return undefined;
  const pageSize = page.readUInt32LE(AT.pageSize);
  if (pageSize < SMALLEST_PAGE || pageSize > LARGEST_PAGE) return undefined;
  return {
    pageSize,
    pages: Number(page.readBigUInt64LE(AT.lastPage)) + 1,
    transaction: page.readBigUInt64LE(AT.transaction),
    roots: [page.readBigUInt64LE(AT.freeTree + TREE_ROOT_AT), page.readBigUInt64LE(AT.mainTree + TREE_ROOT_AT)],
  };
}

/** Whether every page that is in use lies within the first `size` bytes. Reads all pages of the trees, not their large values. */
export function isComplete(descriptor: number, { pageSize, roots }: Meta, size: number): boolean {
  const pagesThere = Math.floor(size / pageSize);
  const waiting = roots.filter((root) => root !== NO_PAGE);
  const page = Buffer.alloc(pageSize);
  for (let seen = 0; waiting.length > 0; seen++) {
    const number = Number(waiting.pop());
    // More pages than there are: a circle, so these are no trees.
    if (number >= pagesThere || seen > pagesThere) return false;
    if (readSync(descriptor, page, 0, pageSize, number * pageSize) < pageSize) return false;
    const below = pagesBelow(page, pagesThere);
    if (below === undefined) return false;
    waiting.push(...below);
  }
  return true;
}

/** The pages that a page of a tree refers to; `undefined` when it is none, or refers to what is not there. */
function pagesBelow(page: Buffer, pagesThere: number): bigint[] | undefined {
  const flags = page.readUInt16LE(FLAGS_AT);
  if ((flags & (BRANCH | LEAF)) === 0) return undefined;
  const below: bigint[] = [];
  const nodes = page.readUInt16LE(LOWER_AT) >> 1;
  for (let index = 0; index < nodes; index++) {
    // Offsets count from behind the head.
    const node = page.readUInt16LE(PAGE_HEADER + 2 * index) + PAGE_HEADER;
    if (node + NODE_HEADER > page.length) return undefined;
    const nodeFlags = page.readUInt16LE(node + 4);
    if ((flags & BRANCH) !== 0) {
      below.push(BigInt(page.readUInt32LE(node)) + (BigInt(nodeFlags) << 32n));
      continue;
    }
    const data = node + NODE_HEADER + page.readUInt16LE(node + 6);
    if ((nodeFlags & IS_TREE) !== 0) {
      const root = page.readBigUInt64LE(data + TREE_ROOT_AT);
      if (root !== NO_PAGE) below.push(root);
    } else if ((nodeFlags & IN_OVERFLOW_PAGES) !== 0) {
      const end = page.readBigUInt64LE(data) + page.readBigUInt64LE(data + OVERFLOW_PAGES_AT);
      if (end > BigInt(pagesThere)) return undefined;
    }
  }
  return below;
}
