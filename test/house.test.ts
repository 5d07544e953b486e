import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, it } from 'vitest'

/** The rules of the house (src/README.md), as checks. Cycles, sizes, `any` and casts are the linter's business (.oxlintrc.json). */

const SRC = resolve(import.meta.dirname, '../src')
/** Beside the product: loaded by the commands that need it. */
const REHEARSAL = resolve(import.meta.dirname, '../rehearsal')
/** `core/x.ts` of the product, `rehearsal/x.ts` beside it. */
const nameOf = (path: string) => relative(SRC, path).replace(/^\.\.\/(?=rehearsal\/)/, '')

function files(dir: string): string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name)
    if (statSync(path).isDirectory())
      return name === 'generated' || name === 'sample' || name === 'cases' ? [] : files(path)
    return path.endsWith('.ts') ? [path] : []
  })
}

interface Import {
  readonly from: string
  readonly to: string
  readonly typeOnly: boolean
}

const IMPORTS: Import[] = [...files(SRC), ...files(REHEARSAL)].flatMap((path) =>
  [...readFileSync(path, 'utf8').matchAll(/^(import|export)\s+(type\s)?[^'"]*?from\s+'([^']+)'/gm)].map(
    ([, , typeOnly, target = '']) => ({
      from: nameOf(path),
      to: target.startsWith('.') ? nameOf(resolve(dirname(path), target)) : target,
      typeOnly: typeOnly !== undefined,
    }),
  ),
)
const inside = IMPORTS.filter(({ to }) => to.endsWith('.ts') || to.endsWith('.json'))
const top = (path: string) => path.split('/')[0] ?? ''
const isSeam = (path: string) => path.endsWith('/types.ts')

/** What each folder may import besides itself, `core` and the seams' `types.ts`. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  core: [],
  telemetry: [],
  // Each channel, target and provider reads its own settings.
  config: ['channels', 'releases', 'llm'],
  llm: [],
  tools: [],
  agent: ['llm'],
  roles: [],
  workflow: ['agent', 'outbox', 'leases'],
  inbox: ['config', 'leases'],
  outbox: [],
  queue: [],
  leases: [],
  workspace: [],
  releases: ['workspace'],
  store: [],
  channels: [],
  http: [],
  installs: [],
  upkeep: [],
  cli: ['plugin'],
  // What an operator asks of an installation as it is.
  operate: ['channels', 'cli', 'config', 'installs', 'llm', 'plugin', 'queue', 'roles', 'store', 'workspace'],
  rehearsal: ['agent', 'channels', 'cli', 'config', 'llm', 'operate', 'roles', 'tools', 'workspace'],
  extensions: ['plugin'],
  // The registries, and what extends them.
  plugin: ['channels', 'config', 'extensions', 'llm', 'releases', 'roles', 'tools'],
}

const offences = (bad: (one: Import) => boolean) => inside.filter(bad).map(({ from, to }) => `${from} → ${to}`)

/** Parsers and writers of Markdown, and what reads patterns: as pure as the core itself. */
const PURE = new Set([
  'zod',
  'node:crypto',
  'mdast',
  'mdast-util-gfm',
  'mdast-util-to-markdown',
  'markdown-it',
  'semver',
  'ignore',
])

it('core imports nothing of src, and no SDK', () => {
  expect(
    IMPORTS.filter(({ from, to }) => top(from) === 'core' && top(to) !== 'core' && !PURE.has(to)).map(
      ({ from, to }) => `${from} → ${to}`,
    ),
  ).toEqual([])
})

/** What each part of the core may not know: the task no words, the words no decisions. */
const ABOVE: Readonly<Record<string, readonly string[]>> = {
  task: ['reply', 'showing', 'deciding', 'commands'],
  workflows: ['reply', 'showing', 'deciding', 'commands'],
  reply: ['showing', 'deciding', 'commands'],
  showing: ['deciding', 'commands'],
}

it('in the core, what decides knows what is said, and nobody the other way round', () => {
  const part = (path: string) => (/^core\/([a-z]+)\//.exec(path) ?? [])[1] ?? ''
  expect(offences((one) => !one.typeOnly && (ABOVE[part(one.from)] ?? []).includes(part(one.to)))).toEqual([])
})

it("a seam's types.ts imports core and other seams only", () => {
  expect(
    offences(
      ({ from, to }) =>
        isSeam(from) &&
        top(from) !== 'core' &&
        top(to) !== 'core' &&
        dirname(to) !== dirname(dirname(from)) &&
        !isSeam(to),
    ),
  ).toEqual([])
})

it('every folder imports only what it may', () => {
  expect(
    offences(({ from, to }) => {
      const [here, there] = [top(from), top(to)]
      // What is logged and measured, and where a process can be made to die, is nobody's adapter.
      if (here === there || there === 'core' || there === 'telemetry' || isSeam(to)) return false
      if (from === 'main.ts' || here === 'compose') return false
      return !(MAY[here] ?? []).includes(there)
    }),
  ).toEqual([])
})

it('nobody imports the composition root', () => {
  expect(
    offences(
      ({ from, to }) => (to === 'main.ts' || top(to) === 'compose') && from !== 'main.ts' && top(from) !== 'compose',
    ),
  ).toEqual([])
})

/** What is loaded when a file is, without what it loads later. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  for (const { from, to, typeOnly } of IMPORTS) if (from === file && !typeOnly) loadedWith(to, seen)
  return seen
}

it('a command loads what it needs: `--version` nothing of the server, the server nothing of the rehearsal', () => {
  expect([...loadedWith('main.ts')].sort()).toEqual([
    '../package.json',
    'commander',
    'core/errors.ts',
    'core/text.ts',
    'main.ts',
    'node:fs',
    'node:module',
    'node:path',
    'node:v8',
  ])
  expect([...loadedWith('compose/server.ts')].filter((file) => top(file) === 'rehearsal')).toEqual([])
})

/** Where each SDK is at home. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  '@anthropic-ai/sdk': ['llm/anthropic/client.ts'],
  openai: ['client', 'chat', 'errors', 'responses'].map((name) => `llm/openai/${name}.ts`),
  undici: ['llm/http.ts'],
  '@octokit/core': ['channels/github/client.ts'],
  '@octokit/plugin-paginate-rest': ['channels/github/client.ts'],
  'smee-client': ['channels/github/proxy.ts'],
  '@octokit/auth-app': ['channels/github/client.ts'],
  '@electric-sql/pglite': ['store/lite.ts', 'queue/litepool.ts'],
  'pglite-prisma-adapter': ['store/lite.ts'],
  '@prisma/adapter-pg': ['store/postgres.ts'],
  pg: ['store/postgres.ts', 'operate/storage.ts', 'queue/bullmq.ts', 'rehearsal/database.ts'],
  ioredis: ['queue/bullmq.ts'],
  bullmq: ['queue/bullmq.ts', 'queue/litepool.ts', 'operate/storage.ts'],
  pino: ['telemetry/log.ts'],
  'image-size': ['tools/pictures.ts'],
  '@vscode/tree-sitter-wasm': ['workspace/symbols/parse.ts'],
  ignore: ['core/owners.ts'],
  semver: ['core/toolchains.ts', 'plugin/register.ts', 'workspace/fetch.ts'],
  'smol-toml': ['config/wishes.ts', 'releases/workers/config.ts'],
  'jsonc-parser': ['config/wishes.ts', 'releases/workers/config.ts'],
  uuid: ['store/ids.ts'],
  httpxy: ['releases/local/proxy/environment.ts', 'releases/local/objects/environment.ts'],
  commander: ['main.ts'],
  yaml: ['config/repository.ts', 'channels/github/manifest.ts', 'releases/kubernetes/manifests.ts'],
  marked: ['rehearsal/github/page.ts', 'rehearsal/github/attachments.ts'],
  mdast: ['core/reply/markdown.ts'],
  'markdown-it': ['core/reply/parse.ts'],
  'mdast-util-gfm': ['core/reply/markdown.ts'],
  'mdast-util-to-markdown': ['core/reply/markdown.ts'],
  '@slack/types': ['fit', 'render', 'show', 'views'].map((name) => `channels/slack/${name}.ts`),
  '@slack/web-api': ['client', 'conversation', 'facts', 'deps', 'catchup'].map((name) => `channels/slack/${name}.ts`),
  'jira.js': ['channels/jira/client.ts'],
  jose: ['channels/jira/token.ts'],
  oauth4webapi: ['channels/oauth.ts'],
  '@resvg/resvg-js': ['channels/slack/chart.ts'],
  '@slack/socket-mode': ['channels/slack/socket.ts'],
}

it('each SDK has its home', () => {
  const wrong = IMPORTS.filter(({ to }) => !to.endsWith('.ts') && !to.startsWith('node:')).filter(({ from, to }) => {
    const name = to.startsWith('@') ? to.split('/').slice(0, 2).join('/') : top(to)
    if (name === 'zod') return false
    if (
      name === 'fastify' ||
      name === '@fastify' ||
      name === '@fastify/swagger' ||
      name === 'fastify-type-provider-zod'
    )
      return top(from) !== 'http' && top(from) !== 'rehearsal'
    return HOMES[name] ? !HOMES[name].includes(from) : !to.endsWith('.json')
  })
  expect(wrong.map(({ from, to }) => `${from} → ${to}`)).toEqual([])
})

it('only the router asks models: whoever else did would pass by budgets, fallbacks and `privacy: local`', () => {
  const may = (path: string) => path.startsWith('llm/') || path === 'plugin/contracts/providers.ts'
  const asking = [...files(SRC), ...files(REHEARSAL)]
    .filter((path) => /\.complete\(/.test(readFileSync(path, 'utf8')))
    .map(nameOf)
  expect(asking.filter((path) => !may(path))).toEqual([])
  expect(asking).toContain('llm/router.ts')
})

it('names no channel outside its own files: the others ask for its traits', () => {
  const own = /^(core\/channels\/|channels\/(slack|jira|clickup)\/|rehearsal\/|store\/generated\/)/
  const named = files(SRC)
    .map((path) => ({ path: relative(SRC, path), text: readFileSync(path, 'utf8') }))
    .filter(({ path, text }) => !own.test(path) && /['"`](slack|jira|clickup)['"`]/.test(text))
  expect(named.map(({ path }) => path)).toEqual([])
  const reached = inside.filter(
    ({ from, to }) =>
      /^channels\/(slack|jira|clickup)\//.test(to) && !own.test(from) && from !== 'channels/registry.ts',
  )
  expect(reached.map(({ from, to }) => `${from} → ${to}`)).toEqual([])
})

it('cites nothing that is not in the repository', () => {
  const ROOT = resolve(SRC, '..')
  const there = (name: string) =>
    [name, join('docs', name), join('src', name)].some((path) => existsSync(join(ROOT, path)))
  // What repositories of others may have.
  const others = new Set(['AGENTS.md', 'CLAUDE.md'])
  const comment = /^\s*(?:\/?\*|\/\/).*$/gm
  const wrong = [...files(SRC), ...files(REHEARSAL)].flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(comment)]
      .flatMap(([line]) => [...line.matchAll(/[\w./-]+\.md\b/g)].map(([name]) => name))
      .filter((name) => !others.has(name) && !there(name))
      .map((name) => `${nameOf(path)}: ${name}`),
  )
  expect(wrong).toEqual([])
})

it('loads nothing of the rehearsal but by the commands that need it', () => {
  const isOption = ({ from, typeOnly }: Import) => from === 'main.ts' && typeOnly
  expect(offences((one) => top(one.to) === 'rehearsal' && top(one.from) !== 'rehearsal' && !isOption(one))).toEqual([])
})
