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
      fence: await fenceOf(bench),
      tools: async () => NO_TOOLS,
      unpack: (dir) => unpacked(dir, bench.releases[release]),
      ...more,
    })

  /** Percent of what people see that is of the second release; chance alone misses it by so much once in a million times. */
  const isNear = async (percent: number, when: string) => {
    const shown = await Promise.all(Array.from({ length: ASKED }, () => bench.seen(target.url(at()))))
    const two = shown.filter((one) => one === bench.shows.two).length
    assert.equal(two + shown.filter((one) => one === bench.shows.one).length, ASKED, `something else is seen ${when}`)
    const share = percent / 100
    const off = 5 * Math.sqrt(share * (1 - share) * ASKED)
    assert.ok(Math.abs(two - share * ASKED) <= off, `${two} of ${ASKED} instead of ${percent} % ${when}`)
  }

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
    'says what it would do and does nothing of it, or cannot tell': async () => {
      const input = { environment: at(), sha: 'sha-of-r-1', signal: new AbortController().signal }
      const said = await target.preflight?.({ ...input, unpack: (dir) => unpacked(dir, bench.releases.one) })
      assert.ok(said === undefined || said.every((line) => line !== '' && !line.includes('\n')), `${said?.join('|')}`)
      assert.equal(await target.current(at()), undefined)
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
        fence: await fenceOf(bench),
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
    'gives a new release a share of the requests, then another, or has no such setting': async () => {
      const file = settings.safeParse({ ...bench.settings, target: name, canary: { steps: [30, 60] } })
      assert.deepEqual([module.weighs, file.success], [target.weigh !== undefined, target.weigh !== undefined])
      if (!target.weigh) return
      const signal = new AbortController().signal
      const weighing = async (releaseId: string, percent: number, mayAct = () => {}) =>
        target.weigh?.({ environment: at(), releaseId, percent, signal, mayAct, fence: await fenceOf(bench) })
      await apply('r-6', 'two', { percent: 30 })
      assert.equal(await target.current(at()), 'sha-of-r-6')
      assert.ok(await target.probe(at(), 'sha-of-r-6'), 'the release itself is not healthy')
      assert.ok(await target.probe(at(), 'sha-of-r-1'), 'what has the rest is not healthy')
      await isNear(30, 'at first')
      await weighing('r-6', 60)
      await weighing('r-6', 60)
      await isNear(60, 'then')
      const lost = new Error('somebody else has it')
      await assert.rejects(
        weighing('r-6', 99, () => {
          throw lost
        }),
      )
      await target.host?.close(false)
      target = await module.open(await bench.deps())
      await target.host?.adopt()
      await isNear(60, 'after a restart')
      await weighing('r-6', 100)
      await weighing('r-6', 100)
      await isNear(100, 'at the end')
    },
    'takes a share of the requests away from what got worse, and from nothing else': async () => {
      if (!target.weigh || !target.restore) return
      const signal = new AbortController().signal
      const now = async () => ({ environment: at(), signal, fence: await fenceOf(bench), mayAct: () => {} })
      await apply('r-7', 'one', { percent: 50 })
      await target.restore({ ...(await now()), releaseId: 'r-6' })
      assert.equal(await target.current(at()), 'sha-of-r-6')
      await isNear(100, 'after the way back')
      const more = { ...(await now()), releaseId: 'r-7', percent: 90 }
      await assert.rejects(target.weigh(more), 'what was taken back was given more')
      await isNear(100, 'after that')
      // What had a share once has everything where it is put back.
      await target.restore({ ...(await now()), releaseId: 'r-7' })
      await isNear(0, 'after the other way back')
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

/** So often a target is asked whose share of the requests is looked at. */
const ASKED = 300

async function fenceOf({ fence }: TargetBench): Promise<Fence> {
  return (await fence?.()) ?? ANY_FENCE
}

const ANY_FENCE: Fence = { table: 'lease', name: 'env:acme/shop:production', token: '1' }

const unasked = () => Promise.reject(new Error('only targets that Muster serves itself have releases in its database'))

/** For targets that keep what they know themselves: nothing is stored for them. */
export const NO_RELEASES: ReleaseStore = {
  save: unasked,
  goLive: unasked,
  reach: unasked,
  moved: unasked,
  get: unasked,
  live: unasked,
  allLive: unasked,
  list: unasked,
  addSamples: unasked,
  samples: unasked,
}
