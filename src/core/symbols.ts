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

/** PageRank's, as in the paper (Brin and Page 1998). */
const DAMPING = 0.85
const ROUNDS = 12
/** A name that so many files define says nothing of which is meant. */
const MOST_DEFINERS = 8
/** What the request names counts so many times as much (as in Aider's map). */
const NAMED = 10
const SHORT_NAME = 3
const MOST_FILES = 60
/** So many definitions of one file are shown. */
const MOST_OF_A_FILE = 8

/** Who uses what of whom. It is the same for every request, and kept. */
export interface Graph {
  readonly files: readonly SymbolFile[]
  readonly definers: ReadonlyMap<string, readonly number[]>
  /** The edges, one at each place of these: from a file that has a name to one that defines it. */
  readonly from: Int32Array
  readonly to: Int32Array
  readonly names: readonly string[]
  readonly weight: Float64Array
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
  }
}

/**
 * The files that matter, by who uses what of them: PageRank over the graph of files, which begins with those that the request speaks of.
 * @param wanted names and paths of the request
 */
export function ranked(graph: Graph, wanted: readonly string[]): readonly Ranked[] {
  const { files } = graph
  const asked = new Set(
    wanted.flatMap((one) => [one, ...one.split(/[./:]+/)]).filter((one) => one.length >= SHORT_NAME),
  )
  const weight = graph.weight.map((one, nth) => (asked.has(graph.names[nth] ?? '') ? one * NAMED : one))
  const start = startOf(graph, asked)
  const ranks = flow(graph, weight, start)
  const order = files
    .map((file, nth) => ({ nth, path: file.path, rank: (ranks[nth] ?? 0) * (start[nth] ? NAMED : 1) }))
    .filter(({ nth }) => (files[nth]?.defines.length ?? 0) > 0)
    .toSorted((one, other) => other.rank - one.rank || (one.path < other.path ? -1 : 1))
    .slice(0, MOST_FILES)
  const worth = worthOf(graph, weight, ranks, new Set(order.map(({ nth }) => nth)))
  return order.map(({ nth, path }) => ({ path, defines: best(files[nth]?.defines ?? [], worth.get(nth), asked) }))
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

/** Where whoever works on the request begins: what it names, by path or by what is defined there. */
function startOf({ files, definers }: Graph, asked: ReadonlySet<string>): readonly number[] {
  const start: number[] = files.map(({ path }) => (path.split(/[./]+/).some((part) => asked.has(part)) ? 1 : 0))
  for (const name of asked) {
    const found = definers.get(name) ?? []
    if (found.length <= MOST_DEFINERS) for (const nth of found) start[nth] = (start[nth] ?? 0) + NAMED / found.length
  }
  return start
}

function flow({ files, from, to }: Graph, weight: Float64Array, start: readonly number[]): Float64Array {
  const count = files.length
  const all = start.reduce((sum, one) => sum + one, 0)
  // Where nothing is named, everything is as likely.
  const begin = Float64Array.from(start, (one) => (all > 0 ? 0.7 * (one / all) + 0.3 / count : 1 / count))
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
  asked: ReadonlySet<string>,
): Definition[] {
  const value = ({ name }: Definition) => (asked.has(name) ? 1 : 0) + (worth?.get(name) ?? 0)
  return defines
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
