import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { UserError } from '../../core/errors.ts'
import type { EnvironmentSettings } from '../../core/settings.ts'
import type { Fence } from '../../leases/types.ts'
import type { TargetModule } from '../../releases/module.ts'
import { NO_TOOLS } from '../../releases/tools.ts'
import type { Environment, ReleaseStore, Target, TargetDeps } from '../../releases/types.ts'
import { checks, type ContractCheck } from './check.ts'

/** What a target is put to the test with. */
export interface TargetBench {
  /** Its environment as it stands in the settings file, without the keys that every environment has. */
  readonly settings: Readonly<Record<string, unknown>>
  /** Where it may work; `redact` hides the word `hush`. */
  readonly deps: () => Promise<TargetDeps>
  /** A claim on the environment, where the target asks whether that still holds. */
  readonly fence?: (() => Promise<Fence>) | undefined
  /** Two releases that work, and one that does not, by their files: two whose difference people see, and one that must not go live. */
  readonly releases: Readonly<Record<'one' | 'two' | 'broken', Readonly<Record<string, string>>>>
  /** How a release is broken where its files are not what is wrong: other settings. */
  readonly broken?: Readonly<Record<string, unknown>> | undefined
  /** What people see there now. */
  readonly seen: (url: string) => Promise<string>
  /** What they see of each release. */
  readonly shows: Readonly<Record<'one' | 'two', string>>
}

/** What a target owes (the same for every target). */
export function targetContract(module: TargetModule, bench: TargetBench): readonly ContractCheck[] {
  const { name, settings } = module
  let target: Target
  const file = { ...bench.settings, target: name }
  const at = (own: Readonly<Record<string, unknown>> = {}): Environment => ({
    repository: 'acme/shop',
    name: 'production',
    settings: stored(module, { ...file, ...own }),
  })
  const apply = async (
    id: string,
    release: keyof TargetBench['releases'],
    more: Partial<Parameters<Target['apply']>[0]> = {},
  ) =>
    target.apply({
      environment: at(release === 'broken' ? bench.broken : {}),
      releaseId: id,
      taskId: 'task-1',
      sha: `sha-of-${id}`,
      signal: new AbortController().signal,
      mayAct: () => {},
      fence: (await bench.fence?.()) ?? ANY_FENCE,
      tools: async () => NO_TOOLS,
      unpack: (dir) => unpacked(dir, bench.releases[release]),
      ...more,
    })

  return checks({
    'reads its part of the settings file, and refuses a key that nobody knows': () => {
      const { data } = settings.safeParse(file)
      assert.ok(data, 'the settings of the bench are not valid')
      assert.equal(data.target, name)
      assert.deepEqual([data.watchSeconds, data.auto, data.approval], [600, false, 'other'])
      assert.deepEqual(JSON.parse(JSON.stringify(data)), withoutUndefined(data), 'what is stored is plain data')
      const misspelt = settings.safeParse({ ...file, helth: '/x' })
      assert.ok(!misspelt.success && JSON.stringify(misspelt.error.issues).includes('helth'), 'a misspelt key passes')
    },
    'has nothing live at first, and knows no release': async () => {
      target = await module.open(await bench.deps())
      assert.equal(await target.current(at()), undefined)
      assert.deepEqual(await target.observe('r-0'), { state: 'absent' })
      assert.ok(URL.canParse(target.url(at())), `${target.url(at())} is no address`)
    },
    'deploys: people see it, and it says what is live and since when': async () => {
      await apply('r-1', 'one')
      assert.equal(await bench.seen(target.url(at())), bench.shows.one)
      assert.equal(await target.current(at()), 'sha-of-r-1')
      const observed = await target.observe('r-1')
      assert.equal(observed.state, 'live')
      assert.ok(await target.probe(at()), 'what is live is not healthy')
    },
    'changes nothing that people see where somebody else is at it by now': async () => {
      const lost = new Error('somebody else has it')
      await assert.rejects(
        apply('r-2', 'two', {
          mayAct: () => {
            throw lost
          },
        }),
        'it went on all the same',
      )
      assert.equal(await bench.seen(target.url(at())), bench.shows.one)
      assert.equal(await target.current(at()), 'sha-of-r-1')
      assert.notEqual((await target.observe('r-2')).state, 'live')
    },
    'stops when it is told to, and leaves what was there': async () => {
      const stopped = new AbortController()
      stopped.abort(new Error('stopped'))
      await assert.rejects(apply('r-3', 'two', { signal: stopped.signal }))
      assert.equal(await target.current(at()), 'sha-of-r-1')
    },
    'leaves the old release where the new one does not work, and tells why': async () => {
      await assert.rejects(apply('r-4', 'broken'), (error) => error instanceof UserError && error.message !== '')
      assert.equal(await bench.seen(target.url(at())), bench.shows.one)
      assert.equal(await target.current(at()), 'sha-of-r-1')
      const observed = await target.observe('r-4')
      assert.ok(observed.state === 'failed' && observed.error !== '', JSON.stringify(observed))
      assert.ok(!(await target.log('r-4')).includes('hush'), 'a secret is shown')
    },
    'replaces what is live by the next release': async () => {
      await apply('r-5', 'two')
      assert.equal(await bench.seen(target.url(at())), bench.shows.two)
      assert.equal(await target.current(at()), 'sha-of-r-5')
    },
    'is asked the same by a process that begins anew': async () => {
      await target.host?.close(false)
      target = await module.open(await bench.deps())
      await target.host?.adopt()
      assert.equal(await target.current(at()), 'sha-of-r-5')
      assert.equal((await target.observe('r-5')).state, 'live')
      assert.equal((await target.observe('r-4')).state, 'failed')
      assert.equal(await bench.seen(target.url(at())), bench.shows.two)
    },
    'puts back what it keeps, as it was, or says that it keeps nothing': async () => {
      if (!target.restore || !target.restorable) return
      const [kept] = await target.restorable(at())
      assert.deepEqual(
        kept,
        { releaseId: 'r-1', sha: 'sha-of-r-1' },
        'the release before is kept, and the first of them',
      )
      const how = {
        environment: at(),
        signal: new AbortController().signal,
        fence: (await bench.fence?.()) ?? ANY_FENCE,
      }
      const lost = new Error('somebody else has it')
      const mayNot = () => {
        throw lost
      }
      await assert.rejects(target.restore({ ...how, releaseId: 'r-1', mayAct: mayNot }), 'it went on all the same')
      assert.equal(await target.current(at()), 'sha-of-r-5')
      await target.restore({ ...how, releaseId: 'r-1', mayAct: () => {} })
      assert.equal(await bench.seen(target.url(at())), bench.shows.one)
      assert.equal(await target.current(at()), 'sha-of-r-1')
      await assert.rejects(
        target.restore({ ...how, releaseId: 'r-4', mayAct: () => {} }),
        'what never worked was put back',
      )
      assert.equal(await target.current(at()), 'sha-of-r-1')
    },
    'tells of traffic, or that it sees none': async () => {
      assert.ok(Array.isArray(await target.samples(at(), 0, Number.MAX_SAFE_INTEGER / 1e6)))
      const since = await target.measuredSince(at(), Date.now() + 1000)
      assert.ok(since === undefined || since > 0)
      await target.host?.close(true)
    },
  })
}

function stored({ settings }: TargetModule, file: Readonly<Record<string, unknown>>): EnvironmentSettings {
  // As it comes back from the database.
  return { ...settings.parse(file) }
}

function withoutUndefined(data: EnvironmentSettings): object {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined))
}

async function unpacked(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true })
    await writeFile(join(dir, name), text)
  }
}

const ANY_FENCE: Fence = { table: 'lease', name: 'env:acme/shop:production', token: '1' }

const unasked = () => Promise.reject(new Error('only targets that Muster serves itself have releases in its database'))

/** For targets that keep what they know themselves: nothing is stored for them. */
export const NO_RELEASES: ReleaseStore = {
  save: unasked,
  goLive: unasked,
  moved: unasked,
  get: unasked,
  live: unasked,
  allLive: unasked,
  list: unasked,
  addSamples: unasked,
  samples: unasked,
}
