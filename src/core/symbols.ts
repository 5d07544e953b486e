/** What a repository is made of: which names its files define, which they use, and so which matter for a request. Pure. */

/** Something that is defined, and the lines that it has. */
export interface Definition {
  readonly name: string
  readonly kind: string
  readonly from: number
  readonly to: number
}

/** What one file defines, and the names that stand in it. */
export interface Symbols {
  readonly defines: readonly Definition[]
  readonly names: readonly string[]
}

export interface SymbolFile extends Symbols {
  readonly path: string
}

/** A file and what of it is used, what counts most in front. */
export interface Ranked {
  readonly path: string
  readonly defines: readonly Definition[]
}

/** How much of what a file has goes on to those that it uses (PageRank's, Brin and Page 1998, has 0.85: this one stays nearer to where it begins). */
const DAMPING = 0.5
const ROUNDS = 12
/** A name that so many files define says nothing of which is meant. */
const MOST_DEFINERS = 8
/** What the request names counts so many times as much (as in Aider's map). */
const NAMED = 10
const SHORT_NAME = 3
const MOST_FILES = 60
/** So many definitions of one file are shown. */
const MOST_OF_A_FILE = 7

/** Who uses what of whom. It is the same for every request, and kept. */
export interface Graph {
  readonly files: readonly SymbolFile[]
  readonly definers: ReadonlyMap<string, readonly number[]>
  /** The edges, one at each place of these: from a file that has a name to one that defines it. */
  readonly from: Int32Array
  readonly to: Int32Array
  readonly names: readonly string[]
  readonly weight: Float64Array
  /** How many definitions are made of a word. */
  readonly byWord: ReadonlyMap<string, number>
}

export function graphOf(files: readonly SymbolFile[]): Graph {
  const definers = definersOf(files)
  const from: number[] = []
  const to: number[] = []
  const names: string[] = []
  const weight: number[] = []
  for (const [nth, file] of files.entries())
    for (const name of file.names) {
      const found = definers.get(name)
      if (!found || found.length > MOST_DEFINERS) continue
      const worth = (name.length <= SHORT_NAME ? 0.2 : 1) / found.length
      for (const other of found) {
        if (other === nth) continue
        from.push(nth)
        to.push(other)
        names.push(name)
        weight.push(worth)
      }
    }
  return {
    files,
    definers,
    from: Int32Array.from(from),
    to: Int32Array.from(to),
    names,
    weight: Float64Array.from(weight),
    byWord: wordsIn(files),
  }
}

/** What a request speaks of, as far as it may be found in code. */
export interface Wanted {
  /** Names that stand in it as they stand in code. */
  readonly names: readonly string[]
  /** Words, in small letters, of which names may be made. */
  readonly words: readonly string[]
}

/**
 * The files that matter: those that define what the request names, or something whose name is made of its words, and from there those that
 * they use and that use them (PageRank, personalised).
 */
export function ranked(graph: Graph, { names, words }: Wanted): readonly Ranked[] {
  const { files } = graph
  const asked: Asked = {
    names: new Set(names.flatMap(partsOf).map(small)),
    words: new Map(words.map((word) => [word, weightOf(graph, word)])),
  }
  const weight = graph.weight.map((one, nth) => (asked.names.has(small(graph.names[nth] ?? '')) ? one * NAMED : one))
  const start = files.map((file) => startOf(file, graph, asked))
  const ranks = flow(graph, weight, start)
  const order = files
    .map((file, nth) => ({ nth, path: file.path, rank: ranks[nth] ?? 0 }))
    .filter(({ nth }) => (files[nth]?.defines.length ?? 0) > 0)
    .toSorted((one, other) => other.rank - one.rank || (one.path < other.path ? -1 : 1))
    .slice(0, MOST_FILES)
  const worth = worthOf(graph, weight, ranks, new Set(order.map(({ nth }) => nth)))
  return order.map(({ nth, path }) => ({ path, defines: best(files[nth]?.defines ?? [], worth.get(nth), asked) }))
}

interface Asked {
  readonly names: ReadonlySet<string>
  /** What each word is worth: the more names are made of it, the less. */
  readonly words: ReadonlyMap<string, number>
}

const small = (name: string) => name.toLowerCase()

/** A path, a call or a name with dots: whole, and its parts. */
function partsOf(name: string): string[] {
  return [name, ...name.split(/[^\w$-]+/)].filter((one) => one.length >= SHORT_NAME)
}

/** `parseNumber`, `parse_number` and `PARSE_NUMBER` are made of `parse` and `number`. */
export function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((one) => one.length >= SHORT_NAME)
}

/** A word that is in more names than these says nothing. */
const MOST_WITH_A_WORD = 60

function weightOf({ byWord }: Graph, word: string): number {
  const count = byWord.get(word) ?? 0
  return count === 0 || count > MOST_WITH_A_WORD ? 0 : 1 / (1 + Math.log2(count))
}

/** How much a definition is what the request speaks of. */
function matchOf({ name }: Definition, { names, words }: Asked): number {
  const exact = names.has(small(name)) ? NAMED : 0
  return wordsOf(name).reduce((sum, word) => sum + (words.get(word) ?? 0), exact)
}

/** Where whoever works on the request begins. */
function startOf({ path, defines }: SymbolFile, { definers }: Graph, asked: Asked): number {
  const isNamed = path
    .split('/')
    .some((part) => asked.names.has(small(part)) || asked.names.has(small(part.replace(/\.\w+$/, ''))))
  return defines.reduce(
    (sum, one) => sum + matchOf(one, asked) / (definers.get(one.name)?.length ?? 1),
    isNamed ? NAMED : 0,
  )
}

function wordsIn(files: readonly SymbolFile[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { defines } of files)
    for (const { name } of defines)
      for (const word of new Set(wordsOf(name))) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}

function definersOf(files: readonly SymbolFile[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>()
  for (const [nth, { defines }] of files.entries())
    for (const { name } of defines) {
      const known = found.get(name)
      if (!known) found.set(name, [nth])
      else if (known.at(-1) !== nth) known.push(nth)
    }
  return found
}

function flow({ files, from, to }: Graph, weight: Float64Array, start: readonly number[]): Float64Array {
  const count = files.length
  const all = start.reduce((sum, one) => sum + one, 0)
  // Where nothing is named, everything is as likely.
  const begin = Float64Array.from(start, (one) => (all > 0 ? 0.9 * (one / all) + 0.1 / count : 1 / count))
  const out = new Float64Array(count)
  for (let nth = 0; nth < weight.length; nth++) add(out, from[nth], weight[nth] ?? 0)
  let ranks = begin
  for (let round = 0; round < ROUNDS; round++) {
    const next = begin.map((one) => (1 - DAMPING) * one)
    for (let nth = 0; nth < weight.length; nth++) {
      const source = from[nth] ?? 0
      add(next, to[nth], (DAMPING * (ranks[source] ?? 0) * (weight[nth] ?? 0)) / (out[source] ?? 1))
    }
    ranks = next
  }
  return ranks
}

function add(sums: Float64Array, at: number | undefined, value: number): void {
  if (at !== undefined) sums[at] = (sums[at] ?? 0) + value
}

/** How much of its rank each of these files has by each of its names. */
function worthOf(
  { from, to, names }: Graph,
  weight: Float64Array,
  ranks: Float64Array,
  shown: ReadonlySet<number>,
): ReadonlyMap<number, ReadonlyMap<string, number>> {
  const worth = new Map<number, Map<string, number>>()
  for (let nth = 0; nth < weight.length; nth++) {
    const at = to[nth] ?? 0
    if (!shown.has(at)) continue
    const of = worth.get(at) ?? new Map<string, number>()
    const name = names[nth] ?? ''
    of.set(name, (of.get(name) ?? 0) + (ranks[from[nth] ?? 0] ?? 0) * (weight[nth] ?? 0))
    worth.set(at, of)
  }
  return worth
}

function best(
  defines: readonly Definition[],
  worth: ReadonlyMap<string, number> | undefined,
  asked: Asked,
): Definition[] {
  const value = (one: Definition) => matchOf(one, asked) + (worth?.get(one.name) ?? 0)
  // Of several with one name, the first stands for all.
  return [...new Map(defines.toReversed().map((one) => [one.name, one])).values()]
    .toSorted((one, other) => value(other) - value(one) || one.from - other.from)
    .slice(0, MOST_OF_A_FILE)
    .toSorted((one, other) => one.from - other.from)
}

/** As a model is shown it, as far as it fits. @param most characters */
export function symbolMap(files: readonly Ranked[], most: number): string {
  const shown: string[] = []
  let size = 0
  for (const { path, defines } of files) {
    const text = [path, ...defines.map(({ name, kind, from, to }) => `  ${from}-${to} ${kind} ${name}`)].join('\n')
    size += text.length + 1
    if (size > most) break
    shown.push(text)
  }
  return shown.join('\n')
}
