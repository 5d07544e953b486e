import { SETTINGS_PATH } from '../core/survey.ts'
import { parse as parseJsonc } from 'jsonc-parser'
import { parse as parseToml } from 'smol-toml'
import { isRecord } from '../core/json.ts'
import { isToolName, rangeOf, type ToolName, type Wish } from '../core/toolchains.ts'

/**
 * Which versions a repository's own files ask for. They are read and nothing else: what they would have run on whoever opens them
 * (hooks of mise, `initializeCommand` and `runArgs` of a devcontainer) is not even looked at.
 */

type Found = Omit<Wish, 'from' | 'range'> & { readonly range?: string | undefined }
type Reader = (text: string) => readonly (Found | undefined)[]

/** Every file that says something of versions, the one that counts first where several do. */
const READERS: Readonly<Record<string, Reader>> = {
  '.tool-versions': fromToolVersions,
  'mise.toml': fromMise,
  '.mise.toml': fromMise,
  '.nvmrc': line('node'),
  '.node-version': line('node'),
  '.python-version': line('python'),
  '.ruby-version': line('ruby'),
  '.go-version': line('go'),
  '.java-version': line('java'),
  '.sdkmanrc': (text) => [wish('java', /^java=(.{1,100})$/m.exec(text)?.[1])],
  'rust-toolchain.toml': (text) => [rust(textAt(toml(text), 'toolchain', 'channel'))],
  'rust-toolchain': (text) => [
    text.includes('[toolchain]') ? rust(textAt(toml(text), 'toolchain', 'channel')) : rust(text.trim()),
  ],
  'global.json': (text) => [wish('dotnet', textAt(json(text), 'sdk', 'version'))],
  'package.json': fromPackageJson,
  '.devcontainer/devcontainer.json': fromDevcontainer,
  '.devcontainer.json': fromDevcontainer,
  'pyproject.toml': (text) => [
    wish('python', textAt(toml(text), 'project', 'requires-python')),
    wish('python', textAt(toml(text), 'tool', 'poetry', 'dependencies', 'python')),
  ],
  'go.mod': (text) => [
    atLeast('go', /^toolchain go([\d.]{1,20})$/m.exec(text)?.[1] ?? /^go ([\d.]{1,20})$/m.exec(text)?.[1]),
  ],
  'Cargo.toml': (text) => [
    atLeast(
      'rust',
      textAt(toml(text), 'package', 'rust-version') ?? textAt(toml(text), 'workspace', 'package', 'rust-version'),
    ),
  ],
  Gemfile: (text) => [wish('ruby', /^ruby ["']([^"']{1,40})["']/m.exec(text)?.[1])],
  'composer.json': (text) => [wish('php', textAt(json(text), 'require', 'php'))],
  'pom.xml': (text) => [
    atLeast(
      'java',
      /<(?:maven\.compiler\.release|maven\.compiler\.source|java\.version|release)>([\d.]{1,10})</.exec(text)?.[1],
    ),
  ],
}

export const WISH_FILES: readonly string[] = Object.keys(READERS)

/**
 * What a repository asks for, one wish for each tool.
 * @param files the files at its root that there are, by name
 * @param said versions by tool, from its settings: they count before any file
 */
export function wishesOf(
  files: ReadonlyMap<string, string>,
  said: Readonly<Record<string, string>> = {},
): readonly Wish[] {
  const wishes = new Map<ToolName, Wish>()
  const take = (found: Found | undefined, from: string) => {
    if (found && !wishes.has(found.tool)) wishes.set(found.tool, { ...found, range: found.range ?? '*', from })
  }
  for (const [tool, text] of Object.entries(said))
    if (isToolName(tool)) take(tool === 'rust' ? rust(text) : wish(tool, text), SETTINGS_PATH)
  for (const [name, read] of Object.entries(READERS)) {
    const text = files.get(name)
    if (text !== undefined) for (const found of read(text)) take(found, name)
  }
  return [...wishes.values()]
}

export const DEVCONTAINERS = ['.devcontainer/devcontainer.json', '.devcontainer.json'] as const

/** The image that a devcontainer is made of, where it names one. */
export function devcontainerImage(files: ReadonlyMap<string, string>): string | undefined {
  const text = DEVCONTAINERS.map((name) => files.get(name)).find((one) => one !== undefined)
  return text === undefined ? undefined : textAt(json(text), 'image')
}

function wish(tool: ToolName, text: string | undefined): Found | undefined {
  const range = text === undefined ? undefined : rangeOf(text)
  return text === undefined || range === undefined ? undefined : { tool, range, text: text.trim() }
}

/** A lowest version. */
function atLeast(tool: ToolName, text: string | undefined): Found | undefined {
  const found = wish(tool, text)
  return found && { ...found, range: `>=${found.range}` }
}

function rust(text: string | undefined): Found | undefined {
  const [channel] = /^(?:nightly|beta)/.exec(text ?? '') ?? []
  return channel ? { tool: 'rust', channel, range: '*', text: text ?? '' } : wish('rust', text)
}

/** A file with nothing but a version: its first line that is no remark. */
function line(tool: ToolName): Reader {
  return (text) => [
    wish(
      tool,
      text
        .split('\n')
        .map((one) => one.trim())
        .find((one) => one !== '' && !one.startsWith('#')),
    ),
  ]
}

/** What asdf and mise call tools otherwise. */
const OTHER_NAMES: Readonly<Record<string, ToolName>> = { nodejs: 'node', golang: 'go', 'dotnet-core': 'dotnet' }

function named(name: string, text: string | undefined): Found | undefined {
  const tool = OTHER_NAMES[name] ?? name
  if (!isToolName(tool)) return undefined
  return tool === 'rust' ? rust(text) : wish(tool, text)
}

function fromToolVersions(text: string): (Found | undefined)[] {
  return text.split('\n').map((one) => {
    const [name = '', version] = one.replace(/#.*/, '').trim().split(/\s+/)
    return named(name, version)
  })
}

function fromMise(text: string): (Found | undefined)[] {
  const tools = at(toml(text), 'tools')
  if (!isRecord(tools)) return []
  return Object.entries(tools).map(([name, value]) => {
    const [first]: unknown[] = Array.isArray(value) ? value : [value]
    return named(name, typeof first === 'string' ? first : textAt(first, 'version'))
  })
}

function fromPackageJson(text: string): (Found | undefined)[] {
  const parsed = json(text)
  const [, manager = '', version] = /^(\w+)@([\d.]{1,20})/.exec(textAt(parsed, 'packageManager') ?? '') ?? []
  return [
    named(manager, version),
    ...['node', 'npm', 'pnpm', 'yarn', 'bun'].flatMap((name) => [
      named(name, textAt(parsed, 'volta', name)),
      named(name, textAt(parsed, 'engines', name)),
    ]),
  ]
}

function fromDevcontainer(text: string): (Found | undefined)[] {
  const features = at(json(text), 'features')
  if (!isRecord(features)) return []
  return Object.entries(features).map(([name, value]) => {
    const [, tool = ''] = /\/([\w-]+)(?::[\w.]+)?$/.exec(name) ?? []
    return named(tool, textAt(value, 'version'))
  })
}

function json(text: string): unknown {
  const parsed: unknown = parseJsonc(text, [], { allowTrailingComma: true })
  return parsed
}

/** A file that cannot be read says nothing: whoever needs it will say that better. */
function toml(text: string): unknown {
  try {
    return parseToml(text)
  } catch {
    return undefined
  }
}

function at(value: unknown, ...path: readonly string[]): unknown {
  let here = value
  for (const key of path) here = isRecord(here) && Object.hasOwn(here, key) ? here[key] : undefined
  return here
}

function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const found = at(value, ...path)
  return typeof found === 'string' ? found : undefined
}
