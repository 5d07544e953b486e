import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ServiceName } from '../../src/core/settings.ts'
import { equipped } from '../../src/workspace/outfit.ts'
import { findProgram } from '../../src/workspace/programs.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { WORKING } from '../support/isolation.ts'

const MINUTES = 5
const has = {
  postgres: existsSync('/usr/lib/postgresql'),
  redis: findProgram('redis-server') !== undefined,
  mysql: findProgram('mariadbd') !== undefined || existsSync('/usr/sbin/mariadbd'),
} satisfies Record<ServiceName, boolean>

describe.each(WORKING)('services beside a command, in %s', (kind) => {
  let dir = ''
  let home = ''
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'muster-services-'))
    home = mkdtempSync(join(tmpdir(), 'muster-home-'))
  })
  afterAll(() => [dir, home].forEach((one) => rmSync(one, { recursive: true, force: true })))
  const run = (services: readonly ServiceName[], command: string, timeoutMs = MINUTES * 60_000) =>
    openSandbox(kind).run({ dir, home, timeoutMs, ...equipped({ toolchains: [], notes: [], services }, command) })

  it.skipIf(!has.postgres)(
    'PostgreSQL: keeps what is put into it from one command to the next, and is nobody else’s',
    async () => {
      const made = await run(
        ['postgres'],
        'psql -qc "create table t (n int); insert into t values (7)"; psql -qAtc "show fsync"; exit 3',
      )
      expect(made).toMatchObject({ exitCode: 3, output: 'off\n' })
      // The machine's own one listens on the same port, and has no such table.
      const url = 'psql -qAtc "select n, inet_server_addr() from t" "$DATABASE_URL"'
      expect((await run(['postgres'], url)).output).toBe('7|127.0.0.1\n')
      const other = mkdtempSync(join(tmpdir(), 'muster-home-'))
      const fresh = await openSandbox(kind).run({
        dir,
        home: other,
        timeoutMs: MINUTES * 60_000,
        ...equipped(
          { toolchains: [], notes: [], services: ['postgres'] },
          'psql -qAtc "select to_regclass(\'t\') is null"',
        ),
      })
      expect(fresh.output).toBe('t\n')
      rmSync(other, { recursive: true, force: true })
    },
    MINUTES * 60_000,
  )

  it.skipIf(!has.postgres)(
    'PostgreSQL: starts again after a command that was ended by force',
    async () => {
      expect(await run(['postgres'], 'psql -qc "create table u ()"; sleep 600', 6_000)).toMatchObject({
        timedOut: true,
      })
      expect((await run(['postgres'], 'psql -qAtc "select 1"')).output).toBe('1\n')
    },
    MINUTES * 60_000,
  )

  it.skipIf(!has.redis)(
    'Redis: is empty each time',
    async () => {
      const command = 'redis-cli -h "$REDIS_HOST" get x; redis-cli -u "$REDIS_URL" set x 1'
      for (const nth of [1, 2]) expect((await run(['redis'], command)).output, `${nth}`).toBe('\nOK\n')
    },
    MINUTES * 60_000,
  )

  it.skipIf(!has.mysql)(
    'MySQL or MariaDB: keeps what is put into it',
    async () => {
      const sql = (text: string) => `mariadb -h "$MYSQL_HOST" -u root -N "$MYSQL_DATABASE" -e "${text}"`
      expect((await run(['mysql'], sql('create table t (n int); insert into t values (7)'))).output).toBe('')
      expect((await run(['mysql'], sql('select n from t'))).output).toBe('7\n')
    },
    MINUTES * 60_000,
  )

  it(
    'leads nowhere, and ends with its command',
    async () => {
      const services = (['postgres', 'redis'] as const).filter((name) => has[name])
      const { output } = await run(
        services,
        "node -e \"fetch('http://example.com').then(() => console.log('REACHED'), () => console.log('no'))\"",
      )
      expect(output).toBe('no\n')
    },
    MINUTES * 60_000,
  )

  it.skipIf(!has.redis)(
    'says which could not be started, and why, and runs nothing then',
    async () => {
      const spoiled = mkdtempSync(join(tmpdir(), 'muster-home-'))
      mkdirSync(join(spoiled, '.services'))
      writeFileSync(join(spoiled, '.services/redis'), 'no folder')
      const options = equipped({ toolchains: [], notes: [], services: ['redis'] }, 'echo RAN')
      const { exitCode, output } = await openSandbox(kind).run({
        dir,
        home: spoiled,
        timeoutMs: MINUTES * 60_000,
        ...options,
      })
      expect(exitCode).toBe(125)
      expect(output).toContain('[Muster: the service redis could not be started.]')
      expect(output).toContain('File exists')
      expect(output).not.toContain('RAN')
      rmSync(spoiled, { recursive: true })
    },
    MINUTES * 60_000,
  )
})

it('are not started where there is no sandbox: they would listen on the machine’s own ports', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-services-'))
  const options = equipped({ toolchains: [], notes: [], services: ['redis'] }, 'echo "${REDIS_URL:-none}"')
  const { output } = await openSandbox('none').run({ dir, timeoutMs: 60_000, ...options })
  expect(output).toBe('[Muster: without a sandbox no services are started: redis]\nnone\n')
  rmSync(dir, { recursive: true })
})
