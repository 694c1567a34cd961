import { join } from 'node:path';

/** This repository; the programs run compiled, three folders below it. */
export const ROOT = join(__dirname, '..', '..', '..', '..');
/** Where the compiled benchmark lies. */
export const COMPILED = join(ROOT, '.cache', 'bench', 'bench');
/** Where C and Go programs are built. */
export const BUILT = join(ROOT, '.cache', 'bench-bin');
export const SOURCES = join(ROOT, 'bench');
export const OUTPUT = join(SOURCES, 'out');
