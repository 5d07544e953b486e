/** What a repository looks like from above, for whoever has not seen it. Pure. */

/** So many files are named one by one. */
const MOST_FILES = 120
const MOST_FOLDERS = 50
const MAX_TEXT = 3000

/** The files of a repository: each where they are few, else the folders with how many there are. */
export function mapOf(paths: readonly string[]): string {
  if (paths.length <= MOST_FILES) return cut(paths.toSorted())
  const counts = new Map<string, number>()
  for (const path of paths) {
    const folder = folderOf(path)
    counts.set(folder, (counts.get(folder) ?? 0) + 1)
  }
  const root = paths.filter((path) => !path.includes('/')).toSorted()
  const folders = [...counts]
    .filter(([folder]) => folder !== '')
    .toSorted(([a, many], [b, others]) => others - many || (a < b ? -1 : 1))
    .slice(0, MOST_FOLDERS)
    .map(([folder, count]) => `${folder}/ (${count} files)`)
  return cut([...root.slice(0, 60), ...folders.toSorted(), `(${paths.length} files in all)`])
}

/** The first two parts of where a file is. */
function folderOf(path: string): string {
  return path.split('/').slice(0, -1).slice(0, 2).join('/')
}

function cut(lines: readonly string[]): string {
  let size = 0
  const shown = lines.filter((line) => (size += line.length + 1) <= MAX_TEXT)
  const left = lines.length - shown.length
  return left > 0 ? `${shown.join('\n')}\n(${left} more)` : shown.join('\n')
}

const MOST_WORDS = 10
/** What is written as code, paths, and names that nobody writes in prose. */
const CODE = /`([^`\n]{2,80})`/g
const ADDRESS = /\bhttps?:\/\/[^\s<>]{1,2000}/g
/** Words of one shape each: `roundUp`, `round_up`, `math.round` or `math::round`, `RoundUp`, `--round-up`, and paths. */
const NAMES = [
  /^[a-z]\w*[A-Z]\w/,
  /^[A-Za-z]\w*_\w/,
  /^[A-Za-z]\w+(?:\.|::)[A-Za-z]\w/,
  /^[A-Z][a-z]+[A-Z]\w/,
  /^--[a-z][\w-]{2}/,
  /^[\w.-]+\/[\w.-]/,
]
/** Longer than this is no name (characters). */
const LONGEST = 160

/** Words of a request that most likely stand in the code: names, paths, options; each once, as they come. */
export function namesIn(text: string): string[] {
  const marked = [...text.matchAll(CODE)].map(([, word = '']) => word.trim())
  const prose = text.replace(CODE, ' ').replace(ADDRESS, ' ')
  const named = prose
    .split(/[^\w./:-]+/)
    .filter((word) => word.length <= LONGEST && NAMES.some((shape) => shape.test(word)))
  const all = [...marked, ...named].map(bare).filter((word) => word.length >= 3)
  return [...new Set(all)].slice(0, MOST_WORDS)
}

/** Without the punctuation of the sentence behind it. */
function bare(word: string): string {
  let end = word.length
  while (end > 0 && '().,:;'.includes(word[end - 1] ?? '')) end -= 1
  return word.slice(0, end)
}

/** Words that say nothing of where to look. */
const COMMON = new Set(
  'about after again also always before been being could does down each even every fails from gets have into just like lets made make more most never only other over same should some than that their them then there these they this those through under until using very want wants when where which while will with without work works would wrong your bugs error errors issue issues instead'.split(
    ' ',
  ),
)

/** Words of a title that something in the code may be called by. */
export function wordsIn(title: string): string[] {
  const words = title.toLowerCase().match(/[a-z][a-z0-9_]{3,40}/g) ?? []
  return [...new Set(words)].filter((word) => !COMMON.has(word)).slice(0, 8)
}
