import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Language, Parser, Query } from '@vscode/tree-sitter-wasm'
import type { Definition, Symbols } from '../../core/symbols.ts'
import { GRAMMARS } from './languages.ts'

/** Files of others, read by parsers in WebAssembly: whatever stands in them, it is text to these, and no longer than that takes. */

const require = createRequire(import.meta.url)
/** A file that takes longer defines nothing (ms). */
const MOST_MS = 250
const MOST_DEFINITIONS = 300
const MOST_NAMES = 250
const MOST_OF_A_NAME = 80

type TreeSitter = typeof import('@vscode/tree-sitter-wasm')

/** @returns what reads a file of a language */
export async function openParser(): Promise<(language: string, text: string) => Promise<Symbols>> {
  const module = require('@vscode/tree-sitter-wasm') as TreeSitter
  const folder = dirname(require.resolve('@vscode/tree-sitter-wasm'))
  await module.Parser.init()
  const parser = new module.Parser()
  const known = new Map<string, Promise<{ readonly language: Language; readonly query: Query }>>()
  const load = async (file: string, query: string) => {
    const language = await module.Language.load(join(folder, `tree-sitter-${file}.wasm`))
    return { language, query: new module.Query(language, query) }
  }
  return async (name, text) => {
    const grammar = GRAMMARS[name]
    if (!grammar) return { defines: [], names: namesIn(text) }
    const { language, query } = await (known.get(grammar.file) ??
      remember(known, grammar.file, load(grammar.file, grammar.query)))
    parser.setLanguage(language)
    return { defines: definitionsIn(parser, query, text), names: namesIn(text) }
  }
}

function remember<T>(known: Map<string, Promise<T>>, key: string, value: Promise<T>): Promise<T> {
  known.set(key, value)
  return value
}

function definitionsIn(parser: Parser, query: Query, text: string): Definition[] {
  const until = performance.now() + MOST_MS
  const progressCallback = () => performance.now() > until
  const tree = parser.parse(text, null, { progressCallback })
  if (!tree) {
    parser.reset()
    return []
  }
  try {
    const found = query.matches(tree.rootNode, { progressCallback }).flatMap(({ captures }): Definition[] => {
      const name = captures.find((one) => one.name === 'n')?.node
      const whole = captures.find((one) => one.name !== 'n')
      if (!name || !whole) return []
      const { startPosition, endPosition } = whole.node
      const text = name.text.slice(0, MOST_OF_A_NAME)
      return [{ name: text, kind: whole.name, from: startPosition.row + 1, to: endPosition.row + 1 }]
    })
    return found.slice(0, MOST_DEFINITIONS)
  } finally {
    tree.delete()
  }
}

/** The names that stand in a text, each once: what is a use of what is known only where all files are. */
function namesIn(text: string): string[] {
  const found = new Set<string>()
  for (const [name] of text.matchAll(/[A-Za-z_$][\w$]{2,79}/g)) {
    found.add(name)
    if (found.size >= MOST_NAMES) break
  }
  return [...found]
}
