import { belongsToTests } from './checks.ts'
import { codeOnly } from './rust.ts'

/**
 * Tests that stand inside the source file, as Rust has them (`#[cfg(test)] mod tests`, `#[test] fn`): told apart from the code, so
 * that they can be put onto the code as it was.
 * Source: The Rust Reference, "Conditional compilation" and "Testing attributes"; its lexical structure for what is skipped.
 */

/** A file of a change, before and after; undefined: it is not there. */
export interface BothSides {
  readonly path: string
  readonly base: string | undefined
  readonly head: string | undefined
}

export interface Composed {
  readonly path: string
  readonly text: string
}

/** Beyond it (characters) a file is not looked into. */
const MAX = 200_000

/** Whether a file may have tests beside its code. */
export function mayHoldTests(path: string): boolean {
  return path.endsWith('.rs') && !belongsToTests(path)
}

/**
 * The base's files with the head's tests inside: code as before, tests as after. Of a module that is new only its tests are there, and
 * it is declared where the head declares it; a module that is declared for tests alone is there as a whole. Tests that the head no
 * longer has are left.
 * @returns those that differ from the base; none: no test inside a source file is new or changed
 */
export function withInlineTests(files: readonly BothSides[]): Composed[] {
  const sources = files.flatMap(({ path, base, head }) =>
    mayHoldTests(path) && head !== undefined && Math.max(base?.length ?? 0, head.length) <= MAX
      ? [{ path, base, head, tests: testsIn(head) }]
      : [],
  )
  const forTests = new Set(sources.flatMap(({ path, tests }) => tests.flatMap(({ text }) => declaredBy(path, text))))
  const declared = new Set(sources.flatMap(({ path, head, tests }) => declaredBy(path, without(head, tests))))
  const added = sources.filter(({ path, base }) => base === undefined && declared.has(path))
  const modules = new Set(added.some(({ tests }) => tests.length > 0) ? added.map(({ path }) => path) : [])
  return sources.flatMap((source) => {
    const { path, base, head } = source
    if (base === undefined && !modules.has(path) && !forTests.has(path)) return []
    const text = forTests.has(path) ? head : composed({ ...source, base: base ?? '' }, modules)
    return text === base ? [] : [{ path, text }]
  })
}

/** The files that a file's `mod …;` may mean. Source: The Rust Reference, "Module source filenames". */
function declaredBy(path: string, text: string): string[] {
  const folder = /(^|\/)(lib|main|mod)\.rs$/.test(path)
    ? path.slice(0, path.lastIndexOf('/') + 1)
    : path.replace(/\.rs$/, '/')
  return declarations(text).flatMap(({ name }) => [`${folder}${name}.rs`, `${folder}${name}/mod.rs`])
}

function declarations(text: string): { readonly line: string; readonly name: string }[] {
  const found = codeOnly(text).matchAll(/^(?:#\[[^\]\n]{0,200}\] *)?(?:pub(?:\([\w\s:]{1,40}\))? )?mod (\w+);/gm)
  return [...found].map(([line, name = '']) => ({ line, name }))
}

function without(text: string, items: readonly Item[]): string {
  return items.reduceRight((left, { from, to }) => left.slice(0, from) + left.slice(to), text)
}

interface Item {
  readonly key: string
  readonly from: number
  readonly to: number
  readonly text: string
}

interface Source {
  readonly path: string
  readonly base: string
  readonly head: string
  readonly tests: readonly Item[]
}

/** @param modules paths of the new modules that are there for their tests */
function composed({ path, base, head, tests }: Source, modules: ReadonlySet<string>): string {
  const before = testsIn(base)
  const taken = new Map(tests.map((item) => [item.key, item]))
  const text = before.reduceRight((left, { key, from, to }) => {
    const after = taken.get(key)
    return after ? left.slice(0, from) + after.text + left.slice(to) : left
  }, base)
  const known = new Set(before.map(({ key }) => key))
  const fresh = tests.filter(({ key }) => !known.has(key)).map((item) => item.text)
  const already = new Set(declarations(base).map(({ name }) => name))
  const declared = declarations(without(head, tests))
    .filter(({ line, name }) => !already.has(name) && declaredBy(path, line).some((one) => modules.has(one)))
    .map(({ line }) => line)
  return [text, ...declared, ...fresh].filter(Boolean).join('\n')
}

/** An attribute that makes what follows a test, or there for tests alone. */
const TEST_ATTRIBUTE =
  /^#\[\s*(?:cfg\s*\(\s*(?:test\s*\)|all\s*\(\s*test\b)|(?:\w{1,60}\s*::\s*){0,4}(?:test|rstest)\s*[\](])/

/** The items of a file, outside of everything else, that a test attribute stands at. */
function testsIn(text: string): Item[] {
  const plain = codeOnly(text)
  const items: Item[] = []
  const seen = new Map<string, number>()
  let depth = 0
  let at = 0
  while (at < plain.length) {
    const char = plain[at] ?? ''
    if (depth === 0 && char === '#' && TEST_ATTRIBUTE.test(plain.slice(at, at + 400))) {
      const item = itemAt(text, plain, at)
      const same = seen.get(item.key) ?? 0
      seen.set(item.key, same + 1)
      items.push({ ...item, key: `${item.key}#${same}` })
      at = item.to
    } else {
      depth += depthOf(char)
      at += 1
    }
  }
  return items
}

function itemAt(text: string, plain: string, from: number): Item {
  const start = afterAttributes(plain, from)
  const to = endOf(plain, start)
  const header = text
    .slice(start, to)
    .split(/[{(;=]/, 1)
    .join('')
  const name = /^\s*(?:pub\s*)?use\b/.test(header) ? text.slice(start, to) : header
  const key = name
    .replace(/^\s*pub\b/, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return { key, from, to, text: text.slice(from, to) }
}

function afterAttributes(plain: string, from: number): number {
  let at = from
  while (plain[at] === '#') {
    let depth = 0
    do {
      depth += depthOf(plain[at] ?? '')
      at += 1
    } while (at < plain.length && (depth > 0 || plain[at - 1] === '#'))
    while (/\s/.test(plain[at] ?? '')) at += 1
  }
  return at
}

/** Where an item ends: at its `;`, or behind the braces of its body. */
function endOf(plain: string, start: number): number {
  let depth = 0
  for (let at = start; at < plain.length; at += 1) {
    const char = plain[at] ?? ''
    depth += depthOf(char)
    if (depth > 0) continue
    if (char === ';') return at + 1
    if (char === '}') return plain[at + 1] === ';' ? at + 2 : at + 1
  }
  return plain.length
}

function depthOf(char: string): number {
  return '([{'.includes(char) ? 1 : ')]}'.includes(char) ? -1 : 0
}
