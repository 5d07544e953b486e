import { cutLine } from './harmless.ts'
import type { Task } from './task/types.ts'

/** A part of an approved design that somebody can do by themselves. */
export interface Slice {
  /** Names it in its task, and for people. */
  readonly item: string
  readonly title: string
  readonly files: readonly string[]
}

/**
 * The parts of a design that are worked on side by side: where SA has named several, each with files of its own that no other
 * touches, and the repository wants more than one step at a time. Empty: it is one piece of work. What was begun in parts is
 * ended in parts, whatever the settings have become since.
 */
export function slicesOf({ design, settings, steps }: Pick<Task, 'design' | 'settings' | 'steps'>): readonly Slice[] {
  const slices = design?.slices ?? []
  const isBegun = steps.some(({ kind }) => kind === 'part')
  if (slices.length < 2 || (settings.schedule?.policy === 'sequential' && !isBegun)) return []
  const files = slices.flatMap((slice) => [...new Set(slice.files.map(plain))])
  const isApart = slices.every((slice) => slice.files.length > 0) && new Set(files).size === files.length
  if (!isApart) return []
  return slices.map((slice, index) => ({
    item: `${index + 1}. ${cutLine(slice.title, 60)}`,
    title: slice.title,
    files: slice.files.map(plain),
  }))
}

/** `./src/a.ts` is `src/a.ts`. */
function plain(path: string): string {
  return path.trim().replace(/^(?:\.?\/)+/, '')
}
