import { createPrivateKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { UserError } from '../core/errors.ts'
import { type Allowed, readHosts, REGISTRIES } from '../core/hosts.ts'
import { type ChannelSettings, readChannels } from '../channels/registry.ts'
import { address, type Env, type EnvProblem, isPlaceholder, secretKey } from '../core/environment.ts'
import { type ProviderSettings, readProviders } from '../llm/registry.ts'
import { chosenModels } from '../llm/needed.ts'
import type { ModelsByTier } from '../llm/order.ts'
import { type PrivateRegistry, readRegistries } from '../core/registries.ts'
import { type Prices, pricesWith, readPrices, unpriced } from '../llm/prices.ts'
import { type DeployLimits, deployLimits } from './deploys.ts'
import { readModels } from './models.ts'
import { type Previous, readPrevious } from './previous.ts'
import { checkServices, misnamedVariables } from './services.ts'
import type { SandboxKind } from '../workspace/types.ts'

/** What the operator set, validated. */
export interface Settings {
  readonly databaseUrl: string | undefined
  readonly redisUrl: string | undefined
  readonly dataDir: string
  readonly github: GithubSettings | undefined
  readonly channels: ChannelSettings
  /** Seals what is secret and stored; undefined: that is stored as it is. */
  readonly secretKey: string | undefined
  /** Secrets that still count beside the new ones. */
  readonly previous: Previous
  readonly githubUrls: { readonly api: string; readonly server: string }
  /** Whose models can be asked. */
  readonly providers: ProviderSettings
  /** A story that answers in the model's place (rehearsals). */
  readonly scriptFile: string | undefined
  /** Where every real turn is written to, as a story. */
  readonly recordFile: string | undefined
  /** Which models serve a tier: the one that is asked first, and whoever stands in for it. */
  readonly models: ModelsByTier
  readonly prices: Prices
  readonly server: {
    readonly port: number
    readonly host: string
    readonly publicUrl: string
    readonly apiToken: string | undefined
    /** The channel that GitHub's webhooks come over, for a server that GitHub cannot reach. */
    readonly webhookProxy: string | undefined
  }
  /** Where such channels are given out. */
  readonly smeeUrl: string
  readonly logLevel: string
  /** Undefined: the best that works here. */
  readonly sandbox: SandboxKind | undefined
  /** What becomes of deployed services when this server stops. */
  readonly releasesAtStop: 'keep' | 'stop'
  /** Whether a repository's set-up command may use the network. */
  readonly setupNetwork: boolean
  /** Whether a tier's models are asked as they are set, or a cheaper one first where what came of its work allows it. */
  readonly routing: 'tiers' | 'outcome'
  /** Whether repositories that the app is installed on get a pull request with what was found. */
  readonly onboards: boolean
  readonly deploys: DeployLimits
  /** Which hosts it may reach then. */
  readonly setupHosts: readonly Allowed[]
  /** Other repositories that may be read as submodules with a token of their own, in small letters: `owner/name` or `owner/*`. */
  readonly submodules: readonly string[]
  /** Private registries, which are asked in place of a set-up. */
  readonly registries: readonly PrivateRegistry[]
  /** The container engine and its options; undefined: Podman or Docker, whichever is there. */
  readonly containers: string | undefined
  /** A folder with versions of languages, as `<tool>/<version>`. */
  readonly toolchainsDir: string | undefined
  /** Mise, where the operator allows it to fetch versions of languages. */
  readonly mise: string | undefined
  /** How many steps of each role one process works on at once. */
  readonly concurrency: number
  /** After how many days finished tasks, and events that led to none, go into the archive; undefined: never. */
  readonly keepDays: { readonly tasks: number | undefined; readonly events: number | undefined }
  /** How long a worker may be silent before another takes its work over. */
  readonly leaseMs: number
}

export interface GithubSettings {
  readonly appId: string
  readonly privateKey: string
  readonly webhookSecret: string
  /** For people who sign in; undefined: nobody can. */
  readonly client?: { readonly id: string; readonly secret: string } | undefined
}

/** Nobody can take this one over by mistake: it is refused as it stands. */
const RANDOM_EXAMPLE = '<the output of: openssl rand -hex 24>'
const LEASE_MS = 30_000
const NOT_YET = ['PINECONE_API_KEY']

/**
 * Reads the environment once.
 * @throws UserError listing every problem: the variable, what is wrong with it, and an example
 */
export function readSettings(env: Env): Settings {
  return strictly((problems) => collect(env, problems))
}

function strictly<T>(read: (problems: EnvProblem[]) => T): T {
  const problems: EnvProblem[] = []
  const found = read(problems)
  if (problems.length > 0)
    throw new UserError('bad_settings', `The settings are not usable:\n${problems.map(problemLine).join('\n')}`)
  return found
}

function problemLine({ variable, wrong, example }: EnvProblem): string {
  return `  ${variable}: ${wrong}\n      for example ${variable}=${example}`
}

const KNOWN =
  `DATA PLUGINS PLUGINS_DIR MODELS PRICES PUBLIC_URL API_TOKEN API_TOKEN_PREVIOUS SECRET_KEY SECRET_KEY_PREVIOUS SANDBOX SETUP_NETWORK SETUP_HOSTS TOOLCHAINS
  CONTAINERS MINIFLARE WRANGLER REGISTRIES RELEASES_AT_STOP DEPLOY_APPROVALS DEPLOY_AUTO DEPLOY_SECRETS DEPLOY_IMAGES DEPLOY_HOSTS DEPLOY_SSH_CONFIG DEPLOY_HAPROXY DEPLOY_CLUSTERS DEPLOY_CLOUDFLARE DEPLOY_PROMETHEUS DEPLOY_BRANCHES ONBOARDING ROUTING MISE SUBMODULES SMEE_URL SCRIPT RECORD CONCURRENCY KEEP_TASKS_DAYS KEEP_EVENTS_DAYS`
    .split(/\s+/)
    .map((name) => `MUSTER_${name}`)

/** Variables that are set but mean nothing to this version (or to none), so that nobody waits for what cannot happen. */
export function unusedVariables(env: Env): string[] {
  const unknown = Object.keys(env).filter(
    (name) =>
      name.startsWith('MUSTER_') &&
      !name.startsWith('MUSTER_TEST_') &&
      !KNOWN.includes(name) &&
      !misnamedVariables(env).some((one) => one.name === name),
  )
  return [...NOT_YET.filter((name) => env[name]), ...unknown]
}

function collect(env: Env, problems: EnvProblem[]): Settings {
  const url = (variable: string, otherwise: string, example: string) =>
    address(env, variable, otherwise, problems, example)
  const wanted = Number(env['PORT'] || '3000')
  const port = Number.isInteger(wanted) ? wanted : 3000
  if (!Number.isInteger(wanted) || port < 0 || port > 65535)
    problems.push({ variable: 'PORT', wrong: `"${env['PORT']}" is no port number`, example: '3000' })
  const host = env['HOST'] || '0.0.0.0'
  checkServices(env, problems)
  const count = (variable: string, otherwise: number | undefined, most: number) =>
    readCount(env, variable, otherwise, most, problems)
  const channels = readChannels(env, problems)
  const server = url('GITHUB_SERVER_URL', 'https://github.com', 'https://github.example.com')
  return {
    databaseUrl: env['DATABASE_URL'] || undefined,
    redisUrl: env['REDIS_URL'] || undefined,
    dataDir: env['MUSTER_DATA'] || '.muster',
    github: github(env, problems),
    channels,
    secretKey: channels.secretKey ?? (env['MUSTER_SECRET_KEY'] ? secretKey(env, problems) : undefined),
    previous: readPrevious(env, problems),
    githubUrls: {
      api: url(
        'GITHUB_API_URL',
        server === 'https://github.com' ? 'https://api.github.com' : `${server}/api/v3`,
        'https://github.example.com/api/v3',
      ),
      server,
    },
    providers: readProviders(env, problems),
    scriptFile: existing(env, 'MUSTER_SCRIPT', problems),
    recordFile: env['MUSTER_RECORD'] || undefined,
    ...modelsOf(env, problems),
    server: {
      port,
      host,
      publicUrl: url('MUSTER_PUBLIC_URL', `http://localhost:${port}`, 'https://muster.example.com'),
      apiToken: apiToken(env, problems),
      webhookProxy: env['WEBHOOK_PROXY_URL'] ? url('WEBHOOK_PROXY_URL', '', 'https://smee.io/abc123') : undefined,
    },
    smeeUrl: url('MUSTER_SMEE_URL', 'https://smee.io', 'https://smee.example.com'),
    logLevel: env['LOG_LEVEL'] || 'info',
    sandbox: sandbox(env, problems),
    releasesAtStop: oneOf(env, 'MUSTER_RELEASES_AT_STOP', ['keep', 'stop'], problems),
    routing: oneOf(env, 'MUSTER_ROUTING', ['tiers', 'outcome'], problems) === 'outcome' ? 'outcome' : 'tiers',
    onboards: oneOf(env, 'MUSTER_ONBOARDING', ['1', '0'], problems) !== '0',
    deploys: deployLimits(env, problems),
    setupNetwork: oneOf(env, 'MUSTER_SETUP_NETWORK', ['0', '1'], problems) === '1',
    setupHosts: setupHosts(env, problems),
    submodules: submodules(env, problems),
    registries: registries(env, problems),
    containers: env['MUSTER_CONTAINERS'] || undefined,
    toolchainsDir: existing(env, 'MUSTER_TOOLCHAINS', problems),
    mise: env['MUSTER_MISE'] || undefined,
    concurrency: count('MUSTER_CONCURRENCY', 4, 1000) ?? 4,
    keepDays: {
      tasks: count('MUSTER_KEEP_TASKS_DAYS', undefined, 36_500),
      events: count('MUSTER_KEEP_EVENTS_DAYS', undefined, 36_500),
    },
    leaseMs: count('MUSTER_TEST_LEASE_MS', LEASE_MS, 600_000) ?? LEASE_MS,
  }
}

/** Which models are asked, and what they cost: what nobody knows the price of keeps no budget. */
function modelsOf(env: Env, problems: EnvProblem[]): Pick<Settings, 'models' | 'prices'> {
  const models = readModels(env['MUSTER_MODELS'], problems)
  const prices = pricesWith(readPrices(env['MUSTER_PRICES'], problems))
  for (const { provider, model } of unpriced(chosenModels({ models }), prices))
    problems.push({
      variable: 'MUSTER_PRICES',
      wrong: `nobody knows what ${provider}:${model} costs, so no budget could be kept (dollars per million tokens in/out)`,
      example: `${provider}:${model}=2.50/10`,
    })
  return { models, prices }
}

/** A whole number from 1 on. */
function readCount(
  env: Env,
  variable: string,
  otherwise: number | undefined,
  most: number,
  problems: EnvProblem[],
): number | undefined {
  const text = env[variable]
  if (!text) return otherwise
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= most) return value
  problems.push({ variable, wrong: `"${text}" is no whole number from 1 to ${most}`, example: String(otherwise ?? 90) })
  return otherwise
}

function apiToken(env: Env, problems: EnvProblem[]): string | undefined {
  const token = env['MUSTER_API_TOKEN'] || undefined
  if (token !== undefined && (token.length < 16 || isPlaceholder(token))) {
    problems.push({
      variable: 'MUSTER_API_TOKEN',
      wrong: isPlaceholder(token) ? 'is the placeholder of an example' : 'is shorter than 16 characters',
      example: RANDOM_EXAMPLE,
    })
  }
  return token
}

/** One of a few values. */
function oneOf<T extends string>(env: Env, variable: string, values: readonly [T, ...T[]], problems: EnvProblem[]): T {
  const value = env[variable] || values[0]
  const found = values.find((one) => one === value)
  if (!found) problems.push({ variable, wrong: `"${value}" is none of ${values.join(', ')}`, example: values[0] })
  return found ?? values[0]
}

function sandbox(env: Env, problems: EnvProblem[]): SandboxKind | undefined {
  return env['MUSTER_SANDBOX']
    ? oneOf<SandboxKind>(env, 'MUSTER_SANDBOX', ['bubblewrap', 'unshare', 'container', 'none'], problems)
    : undefined
}

/** The sandbox alone, for whoever needs no other setting. @throws UserError */
export function readSandbox(env: Env): SandboxKind | undefined {
  return strictly((problems) => sandbox(env, problems))
}

/** Set, it is the whole list; empty, it holds nothing. */
function submodules(env: Env, problems: EnvProblem[]): readonly string[] {
  const listed = (env['MUSTER_SUBMODULES'] ?? '')
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
  for (const one of listed)
    if (!/^[\w.-]+\/(?:[\w.-]+|\*)$/.test(one))
      problems.push({
        variable: 'MUSTER_SUBMODULES',
        wrong: `"${one}" is no repository`,
        example: 'acme/shared,acme/*',
      })
  return listed
}

function setupHosts(env: Env, problems: EnvProblem[]): readonly Allowed[] {
  const hosts = readHosts(env['MUSTER_SETUP_HOSTS'] ?? REGISTRIES.join(','))
  if (!hosts)
    problems.push({
      variable: 'MUSTER_SETUP_HOSTS',
      wrong: 'is no list of host names (exact ones, each with a port if it is not 80 or 443)',
      example: 'registry.npmjs.org,packages.example.com:8443',
    })
  return hosts ?? []
}

function registries(env: Env, problems: EnvProblem[]): readonly PrivateRegistry[] {
  const read = readRegistries(env['MUSTER_REGISTRIES'] ?? '', (name) => env[name] || undefined)
  for (const wrong of read.wrong)
    problems.push({
      variable: 'MUSTER_REGISTRIES',
      wrong,
      example:
        'npm=https://npm.example.com/#NPM_TOKEN (where NPM_TOKEN is a variable with the token, or user:password)',
    })
  return read.registries
}

/** A file that must be there. */
function existing(env: Env, variable: string, problems: EnvProblem[]): string | undefined {
  const file = env[variable] || undefined
  if (file && !existsSync(file))
    problems.push({ variable, wrong: `there is no file "${file}"`, example: './story.json' })
  return file
}

/** The GitHub App is either set completely or not at all (then the set-up page makes one). */
function github(env: Env, problems: EnvProblem[]): GithubSettings | undefined {
  const names = ['APP_ID', 'PRIVATE_KEY', 'PRIVATE_KEY_PATH', 'WEBHOOK_SECRET']
  if (!names.some((name) => env[name])) {
    if (env['GITHUB_CLIENT_ID'] || env['GITHUB_CLIENT_SECRET'])
      problems.push({
        variable: 'APP_ID',
        wrong:
          'is missing, while GITHUB_CLIENT_ID is there: the two belong to one GitHub App (or unset both, and let the set-up page register one)',
        example: '123456',
      })
    return undefined
  }
  const appId = env['APP_ID'] ?? ''
  if (!/^\d+$/.test(appId))
    problems.push({
      variable: 'APP_ID',
      wrong: appId ? `"${appId}" is no number` : 'is missing, while other GitHub settings are there',
      example: '123456',
    })
  const webhookSecret = env['WEBHOOK_SECRET'] ?? ''
  if (webhookSecret === '')
    problems.push({
      variable: 'WEBHOOK_SECRET',
      wrong: 'is missing: without it anybody could send events',
      example: RANDOM_EXAMPLE,
    })
  if (isPlaceholder(webhookSecret))
    problems.push({
      variable: 'WEBHOOK_SECRET',
      wrong: 'is the placeholder of an example, which everybody knows',
      example: RANDOM_EXAMPLE,
    })
  if (webhookSecret === 'development')
    problems.push({
      variable: 'WEBHOOK_SECRET',
      wrong: "is Probot's well-known default",
      example: RANDOM_EXAMPLE,
    })
  const { GITHUB_CLIENT_ID: id = '', GITHUB_CLIENT_SECRET: secret = '' } = env
  if ((id === '') !== (secret === ''))
    problems.push({
      variable: id === '' ? 'GITHUB_CLIENT_ID' : 'GITHUB_CLIENT_SECRET',
      wrong: 'is missing, while the other of the two is there',
      example: '<as shown in the settings of the GitHub App>',
    })
  const client = id === '' ? {} : { client: { id, secret } }
  return { appId, privateKey: privateKey(env, problems), webhookSecret, ...client }
}

function privateKey(env: Env, problems: EnvProblem[]): string {
  const variable = env['PRIVATE_KEY'] ? 'PRIVATE_KEY' : 'PRIVATE_KEY_PATH'
  try {
    const raw = env['PRIVATE_KEY'] ?? (env['PRIVATE_KEY_PATH'] ? readFileSync(env['PRIVATE_KEY_PATH'], 'utf8') : '')
    if (raw === '') {
      problems.push({
        variable: 'PRIVATE_KEY',
        wrong: 'is missing (or PRIVATE_KEY_PATH, the file it stands in)',
        example: '"-----BEGIN RSA PRIVATE KEY-----\\n…"',
      })
      return ''
    }
    const pem = raw.includes('-----BEGIN') ? raw.replaceAll('\\n', '\n') : Buffer.from(raw, 'base64').toString()
    return createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' }).toString()
  } catch {
    problems.push({
      variable,
      wrong:
        variable === 'PRIVATE_KEY'
          ? 'is no private key in PEM form'
          : `"${env['PRIVATE_KEY_PATH']}" cannot be read as a private key in PEM form`,
      example: variable === 'PRIVATE_KEY' ? '"-----BEGIN RSA PRIVATE KEY-----\\n…"' : './muster.private-key.pem',
    })
    return ''
  }
}
