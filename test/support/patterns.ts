import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { type Node, parse } from 'acorn'
import { simple } from 'acorn-walk'

/** A regular expression as it stands in the source. */
export interface Pattern {
  readonly file: string
  readonly line: number
  readonly source: string
  readonly flags: string
}

/** Every regular expression of the product, and where one is put together at run time. */
export function patternsIn(root: string, skip: (file: string) => boolean): { patterns: Pattern[]; built: string[] } {
  const patterns: Pattern[] = []
  const built: string[] = []
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.(ts|mjs)$/.test(file) && !skip(file),
  )
  for (const file of files) {
    const text = readFileSync(join(root, file), 'utf8')
    const code = file.endsWith('.ts') ? stripTypeScriptTypes(text) : text
    const lineOf = (at: number) => code.slice(0, at).split('\n').length
    simple(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }), {
      Literal(node) {
        const { regex } = node
        if (regex) patterns.push({ file, line: lineOf(node.start), source: regex.pattern, flags: regex.flags })
      },
      NewExpression(node) {
        if (nameOf(node.callee) === 'RegExp') built.push(`${file}:${lineOf(node.start)}`)
      },
    })
  }
  return { patterns, built }
}

function nameOf(node: Node): string | undefined {
  return node.type === 'Identifier' && 'name' in node ? String(node.name) : undefined
}
