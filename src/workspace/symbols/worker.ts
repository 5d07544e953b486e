import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { Recent } from '../../core/recent.ts'
import { type Graph, graphOf, ranked, type SymbolFile, type Symbols } from '../../core/symbols.ts'
import { openParser } from './parse.ts'
import type { Answer, Question, Text } from './types.ts'

/** A thread beside the others: what takes long (reading files, ranking them) holds up nobody. It ends with its parent. */

const parse = openParser()
/** Where what is known is kept, a line for each file; the thread has one repository. */
const file = String(workerData)
const graphs = new Recent<string, Graph>(2)

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

/** What is known, by the content of files. */
const known = knownBefore()

function knownBefore(): Map<string, Symbols> {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').map(lineIn) : []
  return new Map(lines.flatMap((one) => (one ? [[one.blob, one.symbols] as const] : [])))
}

const lineOf = (blob: string, { defines, names }: Symbols) => `${JSON.stringify([blob, defines, names])}\n`

async function answer(question: Question): Promise<Answer['value']> {
  switch (question.kind) {
    case 'missing':
      return question.blobs.filter((blob) => !known.has(blob))
    case 'read':
      await readTexts(question.texts)
      return []
    case 'rank':
      return ranked(
        graphs.get(question.sha, () => graphAt(question.files)),
        question.wanted,
      )
  }
}

async function readTexts(texts: readonly Text[]): Promise<void> {
  const lines: string[] = []
  for (const { blob, language, text } of texts) {
    const symbols = held(await (await parse)(language, text))
    known.set(blob, symbols)
    lines.push(lineOf(blob, symbols))
  }
  mkdirSync(dirname(file), { recursive: true })
  appendFileSync(file, lines.join(''))
}

function graphAt(places: readonly { readonly path: string; readonly blob: string }[]): Graph {
  const files = places.flatMap(({ path, blob }): SymbolFile[] => {
    const symbols = known.get(blob)
    return symbols ? [{ path, ...symbols }] : []
  })
  // Of what is there no more, not too much is kept.
  if (known.size > 2 * files.length + 1000) forget(new Set(places.map(({ blob }) => blob)))
  return graphOf(files)
}

function forget(needed: ReadonlySet<string>): void {
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
