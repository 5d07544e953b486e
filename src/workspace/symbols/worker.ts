import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { type Graph, graphOf, ranked, type SymbolFile, type Symbols } from '../../core/symbols.ts'
import { openParser } from './parse.ts'
import type { Answer, Question } from './types.ts'

/** A thread beside the others: what takes long (reading files, ranking them) holds up nobody. It ends with its parent. */

const parse = openParser()
/** What is known of each repository, by the file it is kept in. */
const kept = new Map<string, Map<string, Symbols>>()
const MOST_REPOSITORIES = 1

function knownIn(file: string): Map<string, Symbols> {
  const before = kept.get(file)
  if (before) {
    kept.delete(file)
    kept.set(file, before)
    return before
  }
  const known = new Map<string, Symbols>()
  for (const line of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
    const read = lineIn(line)
    if (read) known.set(read.blob, read.symbols)
  }
  kept.set(file, known)
  const [oldest] = kept.keys()
  if (kept.size > MOST_REPOSITORIES && oldest !== undefined) kept.delete(oldest)
  return known
}

/** The same name stands in many files: it is held once. */
const pool = new Map<string, string>()
const once = (name: string): string => {
  const held = pool.get(name)
  if (held === undefined) pool.set(name, name)
  return held ?? name
}

function held({ defines, names }: Symbols): Symbols {
  return {
    defines: defines.map(({ name, kind, from, to }) => ({ name: once(name), kind: once(kind), from, to })),
    names: names.map(once),
  }
}

/** A line that was cut off, by a process that ended, is none. */
function lineIn(line: string): { readonly blob: string; readonly symbols: Symbols } | undefined {
  try {
    const [blob, defines, names] = JSON.parse(line)
    return { blob, symbols: held({ defines, names }) }
  } catch {
    return undefined
  }
}

const lineOf = (blob: string, { defines, names }: Symbols) => `${JSON.stringify([blob, defines, names])}\n`

async function answer(question: Question): Promise<Answer['value']> {
  const known = knownIn(question.file)
  if (question.kind === 'missing') return question.blobs.filter((blob) => !known.has(blob))
  if (question.kind === 'read') {
    const lines: string[] = []
    for (const { blob, language, text } of question.texts) {
      const symbols = held(await (await parse)(language, text))
      known.set(blob, symbols)
      lines.push(lineOf(blob, symbols))
    }
    mkdirSync(dirname(question.file), { recursive: true })
    appendFileSync(question.file, lines.join(''))
    return []
  }
  const key = `${question.file} ${question.sha}`
  const graph = graphs.get(key) ?? graphAt(question, known)
  graphs.delete(key)
  graphs.set(key, graph)
  const [oldest] = graphs.keys()
  if (graphs.size > MOST_GRAPHS && oldest !== undefined) graphs.delete(oldest)
  return ranked(graph, question.wanted)
}

const graphs = new Map<string, Graph>()
const MOST_GRAPHS = 2

function graphAt(question: Extract<Question, { kind: 'rank' }>, known: Map<string, Symbols>): Graph {
  const files = question.files.flatMap(({ path, blob }): SymbolFile[] => {
    const symbols = known.get(blob)
    return symbols ? [{ path, ...symbols }] : []
  })
  // Of what is there no more, not too much is kept.
  if (known.size > 2 * files.length + 1000)
    forget(question.file, known, new Set(question.files.map(({ blob }) => blob)))
  return graphOf(files)
}

function forget(file: string, known: Map<string, Symbols>, needed: ReadonlySet<string>): void {
  for (const blob of known.keys()) if (!needed.has(blob)) known.delete(blob)
  const partial = `${file}.partial`
  writeFileSync(partial, [...known].map(([blob, symbols]) => lineOf(blob, symbols)).join(''))
  renameSync(partial, file)
}

async function told(id: number, question: Question): Promise<void> {
  try {
    parentPort?.postMessage({ id, value: await answer(question) })
  } catch (error) {
    parentPort?.postMessage({ id, error: String(error) })
  }
}

// One after the other: each may wait for a grammar.
let last: Promise<void> = Promise.resolve()
parentPort?.on('message', ({ id, question }: { id: number; question: Question }) => {
  last = last.then(() => told(id, question))
})
