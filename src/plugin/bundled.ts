import type { Plugin } from './define.ts'

/** Extensions that come with Muster, a line for each: they are made like those of others, and owe the same. */
export const BUNDLED: readonly Plugin[] = []
