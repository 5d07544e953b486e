import type { Benches } from './contracts/all.ts'
import type { Plugin } from './define.ts'

/** An extension that comes with Muster: made like those of others, in a folder of its own (`src/extensions/`), and owing the same. */
export interface Bundled {
  readonly plugin: Plugin
  /** What it is put to the test with (`test/contracts/bundled.test.ts`). */
  readonly bench: () => Promise<{ readonly default: Benches }>
}

/** Every one, a line for each. */
export const BUNDLED: readonly Bundled[] = [
  // { plugin: name, bench: () => import('../extensions/name/bench.ts') },
]
