import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Changes of the kinds that come next, as patches: how many files outside its own folder each has to touch. */
export interface Change {
  readonly name: string
  readonly file: string
  /** The suites that say whether it is finished. */
  readonly suites: readonly string[]
  /** What it adds and what it touches, beside docs. */
  readonly added: readonly string[]
  readonly touched: readonly { readonly file: string; readonly lines: number }[]
}

const FOLDER = import.meta.dirname
const BUNDLED = 'test/contracts/bundled.test.ts'

/** What each is put to the test by, beside the compiler. */
const SUITES: Readonly<Record<string, readonly string[]>> = {
  'teams-channel': [BUNDLED],
  'security-role': [BUNDLED],
  notify: ['test/core/commands.test.ts', 'test/core/words.test.ts'],
  'kubernetes-target': [BUNDLED],
  'mistral-provider': [BUNDLED],
  feed: ['test/http/openapi.test.ts'],
  'memory-section': [BUNDLED],
  'eight-steps': [BUNDLED],
}

export function changes(): readonly Change[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.patch'))
  return files.map((name) => {
    const file = join(FOLDER, name)
    const own = name.replace(/\.patch$/, '')
    const parts = readFileSync(file, 'utf8')
      .split(/^diff --git /m)
      .slice(1)
    const read = parts.map((part) => ({
      file: /^\+\+\+ b\/(.+)$/m.exec(part)?.[1] ?? '',
      isNew: /^new file mode/m.test(part),
      lines: part.split('\n').filter((line) => /^[+-](?![+-]{2})/.test(line)).length,
    }))
    const code = read.filter((one) => !one.file.startsWith('docs/'))
    return {
      name: own,
      file,
      suites: SUITES[own] ?? [],
      added: code.filter(({ isNew }) => isNew).map((one) => one.file),
      touched: code.filter(({ isNew }) => !isNew).map(({ file, lines }) => ({ file, lines })),
    }
  })
}

/** The table, for people. */
export function table(): string {
  const row = ({ name, added, touched }: Change) => {
    const folders = [...new Set(added.map((file) => dirname(file)))]
    const own = folders.map((folder) => `${folder}/ (${added.filter((file) => dirname(file) === folder).length} files)`)
    const others = touched.map(({ file, lines }) => `${file} (${lines} lines)`)
    return `| ${name} | ${own.join(', ') || '—'} | ${others.join(', ')} |`
  }
  return ['| change | its own | touches beside | ', '|---|---|---|', ...changes().map(row)].join('\n')
}

if (import.meta.main) process.stdout.write(`${table()}\n`)
