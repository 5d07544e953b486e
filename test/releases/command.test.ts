import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { command } from '../../src/releases/command/module.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import type { ApplyInput, Environment, Target } from '../../src/releases/types.ts'
import { Unwanted } from '../../src/leases/types.ts'
import { isSameProcess } from '../../src/telemetry/process.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'
import { targetDeps } from '../support/local.ts'
import { siteIn } from '../support/site.ts'

/** A command that deploys: what happens when Muster stops in the middle, nobody wants it any more, or it never ends. */

let db: TestDatabase
const dir = mkdtempSync(join(tmpdir(), 'muster-command-'))
const site = await siteIn(dir)
const env: Record<string, string> = {
  DEPLOY_KEY: 'sesame-open',
  OTHER_KEY: 'not for deploys',
  MUSTER_DEPLOY_SECRETS: 'Acme/X:production:DEPLOY_KEY, acme/x:staging:OTHER_KEY',
}
let target: Target
const make = () => command.open(targetDeps(db, dir, { env, redact: (text) => text.replaceAll('sesame-open', '***') }))
beforeAll(async () => {
  db = await embedded()
  target = await make()
})
afterAll(async () => {
  site.close()
  await db.drop()
  rmSync(dir, { recursive: true, force: true })
})

const at = (own: Readonly<Record<string, unknown>> = {}): Environment => ({
  repository: 'acme/x',
  name: 'production',
  settings: {
    ...command.settings.parse({
      target: 'command',
      deploy: ['node', 'deploy.mjs', '{sha}'],
      url: site.url,
      env: { STATE: site.file },
      ...own,
    }),
  },
})
const path = () => (name: string) => join(dir, name)
const apply = async (
  id: string,
  script: string,
  own: Readonly<Record<string, unknown>> = {},
  more: Partial<ApplyInput> = {},
) =>
  target.apply({
    environment: at(own),
    releaseId: id,
    taskId: 't',
    sha: id.padEnd(40, '0'),
    signal: new AbortController().signal,
    mayAct: () => {},
    fence: await fenceOf(db, 'env:acme/x:production'),
    tools: async () => NO_TOOLS,
    unpack: async (to) => writeFileSync(join(to, 'deploy.mjs'), script),
    ...more,
  })

/** Says that it has begun, takes a while, and deploys. */
const SLOW = (ms: number) => `import { appendFileSync, writeFileSync } from 'node:fs'
appendFileSync(process.env.STATE + '.begun', process.env.MUSTER_RELEASE + '\\n')
await new Promise((done) => setTimeout(done, ${ms}))
writeFileSync(process.env.STATE, process.argv[2])`
const begun = () =>
  existsSync(`${site.file}.begun`) ? readFileSync(`${site.file}.begun`, 'utf8').trim().split('\n') : []

it('knows of nothing that is live before the first deploy, where a script of the repository’s is to tell', async () => {
  expect(await target.current(at({ current: ['./live.sh'] }))).toBeUndefined()
  expect(await target.current(at({ current: ['bin/live'] }))).toBeUndefined()
  await expect(target.current(at({ current: ['/no/such/program'] }))).rejects.toThrow('`current` ended with 127')
})

it('goes on where Muster stops in the middle, and is begun once', async () => {
  const stopping = new AbortController()
  const first = apply('aa1', SLOW(3000), {}, { signal: stopping.signal })
  await expect.poll(begun).toEqual(['aa1'])
  stopping.abort(new Error('stopped'))
  await expect(first).rejects.toThrow('stopped')
  target = await make()
  expect(await target.observe('aa1')).toEqual({ state: 'unfinished' })
  await apply('aa1', SLOW(3000))
  expect([begun(), readFileSync(site.file, 'utf8')]).toEqual([['aa1'], 'aa1'.padEnd(40, '0')])
  expect(await target.current(at())).toBe('aa1'.padEnd(40, '0'))
})

it('is ended with all that it has started where nobody wants it any more', async () => {
  const script = `import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
const child = spawn('/bin/sh', ['-c', 'trap "" TERM; while true; do sleep 1; done'])
writeFileSync(process.env.STATE + '.child', String(child.pid))
await new Promise(() => {})`
  const unwanted = new AbortController()
  const deploying = apply('bb1', script, {}, { signal: unwanted.signal })
  await expect.poll(() => existsSync(`${site.file}.child`)).toBe(true)
  unwanted.abort(new Unwanted())
  await expect(deploying).rejects.toThrow('before it had ended by itself')
  const child = Number(readFileSync(`${site.file}.child`, 'utf8'))
  expect(isSameProcess(child, undefined)).toBe(false)
  expect(await target.observe('bb1')).toMatchObject({
    state: 'failed',
    error: expect.stringContaining('nobody can tell'),
  })
  expect(await target.current(at())).toBe('aa1'.padEnd(40, '0'))
})

it('is ended when it takes too long, and says so', async () => {
  await expect(
    apply('cc1', 'await new Promise(() => {}); setInterval(() => {}, 1000)', { timeout: '1s' }),
  ).rejects.toThrow()
  await expect(apply('cc2', 'setInterval(() => {}, 1000)', { timeout: '1s' })).rejects.toThrow('took longer than 1 s')
})

it('is never begun again where it was killed: a person has to look', async () => {
  const stopping = new AbortController()
  const first = apply('dd1', SLOW(60_000), {}, { signal: stopping.signal })
  await expect.poll(() => begun().at(-1)).toBe('dd1')
  stopping.abort(new Error('stopped'))
  await expect(first).rejects.toThrow('stopped')
  const [pid] = readFileSync(join(dir, 'releases/dd1/pid'), 'utf8').split(' ')
  process.kill(-Number(pid), 'SIGKILL')
  await expect.poll(() => target.observe('dd1')).toEqual({ state: 'unknown' })
})

it('has the secrets that the operator lets it have, and shows none of them', async () => {
  const show = 'console.log(process.env.DEPLOY_KEY, Object.keys(process.env).sort().join())'
  await apply('ee1', show, { secrets: ['DEPLOY_KEY'] })
  const log = await target.log('ee1')
  expect(log).toMatch(/^\*\*\* /)
  expect(log.split(' ')[1]?.trim().split(',')).toEqual(
    expect.arrayContaining(['DEPLOY_KEY', 'MUSTER_ENVIRONMENT', 'MUSTER_RELEASE', 'MUSTER_REPOSITORY', 'MUSTER_SHA']),
  )
  expect(log).not.toContain('OTHER_KEY')
  await expect(apply('ee2', show, { secrets: ['OTHER_KEY'] })).rejects.toThrow('may not have `OTHER_KEY`')
  delete env['DEPLOY_KEY']
  await expect(apply('ee3', show, { secrets: ['DEPLOY_KEY'] })).rejects.toThrow('is not set on the server')
  expect(readdirSync(dir)).not.toContain('hacked')
})

it('is given its arguments as they are: no shell reads them', async () => {
  const hacked = path()('hacked')
  const deploy = ['node', 'deploy.mjs', `$(touch ${hacked})`, `; touch ${hacked}`, '{sha} {environment} {other}']
  await apply('ff1', 'console.log(process.argv.slice(2).join("|"))', { deploy })
  expect(await target.log('ff1')).toBe(
    `$(touch ${hacked})|; touch ${hacked}|${'ff1'.padEnd(40, '0')} production {other}\n`,
  )
  expect(existsSync(hacked)).toBe(false)
  await expect(apply('ff2', '', { deploy: ['no-such-program'] })).rejects.toThrow('exit code 127')
})

it('says why it cannot tell what is live, and keeps nothing where there is no way back', async () => {
  const current = (script: string) => target.current(at({ current: ['node', '-e', script] }))
  expect(await current(`console.log('looking …\\n${'c'.repeat(40)}')`)).toBe('c'.repeat(40))
  expect(await current('')).toBeUndefined()
  await expect(current('console.log("nothing yet")')).rejects.toThrow('is to print a SHA')
  await expect(current('console.error("no cluster"); process.exit(2)')).rejects.toThrow('`current` ended with 2')
  expect(await target.restorable?.(at())).toEqual([])
  expect(await target.probe(at())).toBe(true)
  expect(await target.probe(at({ url: 'http://127.0.0.1:1/' }))).toBe(false)
})

it('goes back where Muster stops in the middle of it, and is begun once', async () => {
  const own = { restore: ['node', 'deploy.mjs', '{sha}'] }
  const first = begun().length
  const back = async (signal: AbortSignal) =>
    target.restore?.({
      environment: at(own),
      releaseId: 'aa1',
      signal,
      mayAct: () => {},
      fence: await fenceOf(db, 'env:acme/x:production'),
    })
  const stopping = new AbortController()
  const stopped = back(stopping.signal)
  await expect.poll(() => begun().length).toBe(first + 1)
  stopping.abort(new Error('stopped'))
  await expect(stopped).rejects.toThrow('stopped')
  await back(new AbortController().signal)
  expect([begun().length, readFileSync(site.file, 'utf8')]).toEqual([first + 1, 'aa1'.padEnd(40, '0')])
  expect(await target.current(at(own))).toBe('aa1'.padEnd(40, '0'))
})
