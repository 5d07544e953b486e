/** What of a large change is shown at once; the rest is named, and can be read. Pure. */

/** Files that programs write: they say little, and are long. */
const WRITTEN_BY_PROGRAMS =
  /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|Cargo\.lock|poetry\.lock|uv\.lock|Gemfile\.lock|go\.sum|composer\.lock)$|\.(min\.(js|css)|map|snap)$/

export interface Portion {
  readonly text: string
  /** Files of the change that are not in it. */
  readonly left: readonly string[]
}

/** Whole files of a diff, in their order, as long as they fit. @param most characters */
export function portionOf(diff: string, most: number): Portion {
  const shown: string[] = []
  const left: string[] = []
  let size = 0
  for (const part of diff.split(/^(?=diff --git )/m).filter((one) => one.startsWith('diff --git '))) {
    const path = nameIn(part)
    if (WRITTEN_BY_PROGRAMS.test(path) || size + part.length > most) left.push(path)
    else {
      size += part.length
      shown.push(part)
    }
  }
  return { text: shown.join(''), left }
}

/** The file as it is called afterwards. */
function nameIn(part: string): string {
  const head = part.slice(0, Math.max(0, part.indexOf('\n')))
  return head.slice(head.lastIndexOf(' b/') + 3)
}
