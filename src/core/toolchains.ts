import { coerce, maxSatisfying, minVersion, satisfies, valid, validRange } from 'semver'

/** What programs of repositories are run by. */
export const TOOL_NAMES = [
  'node',
  'npm',
  'pnpm',
  'yarn',
  'bun',
  'python',
  'go',
  'rust',
  'java',
  'ruby',
  'php',
  'dotnet',
] as const
export type ToolName = (typeof TOOL_NAMES)[number]

export function isToolName(name: string): name is ToolName {
  return TOOL_NAMES.some((one) => one === name)
}

/** Which tool brings a program. */
const BROUGHT_BY: Readonly<Record<string, ToolName>> = {
  node: 'node',
  npm: 'npm',
  pnpm: 'pnpm',
  yarn: 'yarn',
  bun: 'bun',
  python3: 'python',
  go: 'go',
  cargo: 'rust',
  java: 'java',
  ruby: 'ruby',
  bundle: 'ruby',
  php: 'php',
  dotnet: 'dotnet',
}

export function toolOf(program: string): ToolName | undefined {
  return Object.hasOwn(BROUGHT_BY, program) ? BROUGHT_BY[program] : undefined
}

/** What a repository says of the version of a tool. */
export interface Wish {
  readonly tool: ToolName
  /** A range as npm writes them. */
  readonly range: string
  /** A line of development instead of a number (`nightly`). */
  readonly channel?: string | undefined
  /** As it is written, and in which file. */
  readonly text: string
  readonly from: string
}

/** One version of a tool on this machine. */
export interface Available {
  readonly tool: ToolName
  /** Three numbers. */
  readonly version: string
  readonly channel?: string | undefined
  /** Every command finds it: nothing has to be brought. */
  readonly isThere: boolean
}

/** How a wish came out: exactly so; nearly (the same minor version); or not at all. */
export type Choice<T extends Available> =
  | { readonly kind: 'exact' | 'near'; readonly taken: T }
  | { readonly kind: 'missing'; readonly others: readonly T[] }

/**
 * Which of the versions at hand is taken. What every command finds anyway is preferred, as far as it will do; else the highest. A pin to
 * a patch version that is not there is met by another of the same minor version: people pin what they happened to have.
 */
export function choose<T extends Available>(
  wish: Pick<Wish, 'tool' | 'range' | 'channel'>,
  all: readonly T[],
): Choice<T> {
  const ofTool = all.filter(({ tool, channel }) => tool === wish.tool && channel === wish.channel)
  const within = (range: string) => {
    const fitting = ofTool.filter(({ version }) => satisfies(version, range))
    const highest = maxSatisfying(
      fitting.map(({ version }) => version),
      '*',
    )
    return fitting.find(({ isThere }) => isThere) ?? fitting.find(({ version }) => version === highest)
  }
  const exact = within(wish.range)
  if (exact) return { kind: 'exact', taken: exact }
  const near = valid(wish.range) ? within(`~${wish.range.split('.').slice(0, 2).join('.')}`) : undefined
  return near ? { kind: 'near', taken: near } : { kind: 'missing', others: ofTool }
}

/** Three numbers out of what a program, a folder or a file calls its version. */
export function versionIn(text: string): string | undefined {
  return coerce(text)?.version
}

/** The least that will do for a range, for whoever knows no ranges: a whole version that is pinned, else the line of development; `latest` for any. */
export function leastOf(range: string): string | undefined {
  if (valid(range)) return range
  const least = minVersion(range)
  if (!least) return undefined
  return least.version === '0.0.0' ? 'latest' : `${least.major}.${least.minor}`
}

/** The names of Node.js's long-term lines (nodejs.org/en/about/previous-releases). */
const LTS: Readonly<Record<string, string>> = {
  gallium: '16',
  hydrogen: '18',
  iron: '20',
  jod: '22',
  krypton: '24',
}
const ANY = new Set(['*', 'node', 'latest', 'lts', 'lts/*', 'stable', 'current', 'system', 'x', 'any'])

/** A version or range as tools of several languages write them, as npm would; undefined where it cannot be told. */
export function rangeOf(written: string): string | undefined {
  const text = written.trim().toLowerCase()
  if (text === '') return undefined
  if (ANY.has(text)) return '*'
  const lts = LTS[/^lts\/(\w+)$/.exec(text)?.[1] ?? '']
  if (lts) return lts
  // Names of whoever builds it, before or behind: `temurin-17.0.9+9`, `17.0.9-tem`, `go1.22.3`.
  const bare = text.replace(/^[a-z][a-z_]*-?(?=\d)/, '').replace(/^v(?=\d)/, '')
  if (/^1\.[5-8]$/.test(bare)) return bare.slice(2)
  const [exact] = /^\d+(?:\.\d+){0,2}(?=$|[-+])/.exec(bare) ?? []
  if (exact) return validRange(exact) === null ? undefined : exact
  const parts = text.split(',').map((part) => part.trim().replace(/^[<>=!~^]+\s+/, (sign) => sign.trim()))
  const ranges = parts.flatMap((part) => {
    if (part.startsWith('!=')) return []
    if (part.startsWith('~=') || part.startsWith('~>')) return [upTo(part.slice(2).trim())]
    return [part.replace(/^={2,3}/, '').replace(/\.\*$/, '.x')]
  })
  return validRange(ranges.join(' ')) ?? undefined
}

/** Python's `~=` and Ruby's `~>`: the last number given may grow. */
function upTo(version: string): string {
  const numbers = version.split('.')
  return numbers.length <= 2 ? `>=${version} <${Number(numbers[0]) + 1}` : `~${version}`
}
