import { isIP } from 'node:net'
import type { EnvProblem } from '../core/environment.ts'

type Env = Readonly<Record<string, string | undefined>>

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']
const HASH =
  'cannot be read; a "#" in a password is written %23 (in a `.env` file whatever follows a bare "#" is a comment)'

/** Whether the services beside GitHub can be reached as they are named. */
export function checkServices(env: Env, problems: EnvProblem[]): void {
  const { DATABASE_URL: database, REDIS_URL: redis, LOG_LEVEL: level, HOST: host } = env
  const wrong = (variable: string, what: string, example: string) => problems.push({ variable, wrong: what, example })
  const database_example = 'postgresql://muster:secret@localhost:5432/muster'
  if (database && !/^postgres(ql)?:\/\//.test(database)) wrong('DATABASE_URL', 'is no PostgreSQL URL', database_example)
  else if (database && !isWhole(database)) wrong('DATABASE_URL', HASH, database_example)
  if (redis && !/^rediss?:\/\//.test(redis)) wrong('REDIS_URL', 'is no Redis URL', 'redis://localhost:6379')
  else if (redis && !isWhole(redis)) wrong('REDIS_URL', HASH, 'redis://localhost:6379')
  if (level && !LEVELS.includes(level)) wrong('LOG_LEVEL', `"${level}" is none of ${LEVELS.join(', ')}`, 'info')
  if (host && isIP(host) === 0 && !/^[a-z\d]([a-z\d.-]{0,252}[a-z\d])?$/i.test(host))
    wrong('HOST', `"${host}" is no host name and no address`, '0.0.0.0')
}

/** A fragment is the rest of a password that was cut in two. */
function isWhole(url: string): boolean {
  // Without a host it is a socket's, as PostgreSQL's own tools read it.
  const whole = url.replace('@/', '@localhost/').replace(/^(\w+):\/\/\//, '$1://localhost/')
  return URL.canParse(whole) && new URL(whole).hash === ''
}

/** Names that people write for what is called otherwise. */
const MEANT: Readonly<Record<string, string>> = {
  ANTHROPIC_KEY: 'ANTHROPIC_API_KEY',
  ANTHROPIC_TOKEN: 'ANTHROPIC_API_KEY',
  CLAUDE_API_KEY: 'ANTHROPIC_API_KEY',
  ANTHROPIC_URL: 'ANTHROPIC_BASE_URL',
  GITHUB_APP_ID: 'APP_ID',
  GITHUB_PRIVATE_KEY: 'PRIVATE_KEY',
  GITHUB_APP_PRIVATE_KEY: 'PRIVATE_KEY',
  GITHUB_WEBHOOK_SECRET: 'WEBHOOK_SECRET',
  GITHUB_URL: 'GITHUB_SERVER_URL',
  POSTGRES_URL: 'DATABASE_URL',
  DATABASE: 'DATABASE_URL',
  REDIS: 'REDIS_URL',
  SLACK_TOKEN: 'SLACK_BOT_TOKEN',
  MUSTER_PORT: 'PORT',
  MUSTER_HOST: 'HOST',
}

/** Variables that are set, while the one that was meant is not. */
export function misnamedVariables(env: Env): { readonly name: string; readonly meant: string }[] {
  return Object.entries(MEANT)
    .filter(([name, meant]) => env[name] && !env[meant])
    .map(([name, meant]) => ({ name, meant }))
}
