import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideEnvironment, type EnvironmentOutcome } from '../../../src/core/environments/decide.ts'
import { evolveEnvironment } from '../../../src/core/environments/evolve.ts'
import type {
  EnvironmentCommand,
  EnvironmentEvent,
  EnvironmentRef,
  EnvironmentState,
  TurnTold,
  Wanted,
} from '../../../src/core/environments/types.ts'
import { alice, bob, origin } from '../../support/tasks.ts'

const where: EnvironmentRef = { repository: origin.repository, name: 'production' }
const wanted = (task: string, more: Partial<Wanted> = {}): Wanted => ({
  task,
  release: 1,
  nth: 1,
  conversationId: `c-${task}`,
  sha: `sha-${task}`,
  by: alice,
  watchSeconds: 60,
  state: 'in',
  isLive: false,
  verdict: undefined,
  tree: undefined,
  ...more,
})

/** An environment with tasks that hear what it says. */
class Town {
  state: EnvironmentState | undefined
  readonly told = new Map<string, TurnTold>()
  readonly history: { event: EnvironmentEvent; at: number }[] = []
  at = Date.parse('2026-11-30T12:00:00Z')
  do(command: EnvironmentCommand): EnvironmentOutcome {
    this.at += 1000
    const outcome = decideEnvironment(this.state, where, command, this.at)
    for (const event of outcome.events) this.history.push({ event, at: this.at })
    this.state = outcome.state
    for (const { body } of outcome.effects) if (body.kind === 'task.turn') this.told.set(body.task, body.turn)
    return outcome
  }
  want(task: string, more: Partial<Wanted> = {}, freeze: EnvironmentState['freeze'] = []) {
    return this.do({ type: 'turn', wanted: wanted(task, more), freeze })
  }
  lock = () => this.do({ type: 'lock', by: bob, reason: 'stocktaking', from: undefined })
  unlock = () => this.do({ type: 'unlock', by: alice, from: undefined })
}

describe('an environment', () => {
  it('gives one after the other its turn, in the order in which they came, until the verdict', () => {
    const town = new Town()
    for (const task of ['a', 'b', 'c']) town.want(task)
    expect(town.told.get('a')).toEqual({ state: 'given' })
    expect(town.told.get('b')).toMatchObject({ state: 'waits', position: 1, why: { kind: 'release', sha: 'sha-a' } })
    expect(town.told.get('c')).toMatchObject({ state: 'waits', position: 2 })
    town.want('a', { isLive: true })
    expect(town.state?.live).toMatchObject({ sha: 'sha-a', verdict: undefined })
    expect(town.told.get('b')).toMatchObject({ state: 'waits' })
    town.want('a', { isLive: true, state: 'out', verdict: 'healthy' })
    expect(town.state?.live).toMatchObject({ sha: 'sha-a', verdict: 'healthy' })
    expect(town.told.get('b')).toEqual({ state: 'given' })
    expect(town.told.get('c')).toMatchObject({ position: 1, why: { sha: 'sha-b' } })
  })

  it('says about when, by how long deploys took and are watched', () => {
    const town = new Town()
    town.want('a', { watchSeconds: 600 })
    town.want('b', { watchSeconds: 300 })
    town.want('c')
    const about = (task: string) => {
      const told = town.told.get(task)
      return told?.state === 'waits' && told.about !== undefined
        ? Math.round((told.about - town.at) / 60_000)
        : undefined
    }
    // A minute for the deploy while nobody knows better, and its watch.
    expect([about('b'), about('c')]).toEqual([11, 17])
  })

  it('lets nobody begin while it is locked, and whoever is first when that is lifted', () => {
    const town = new Town()
    town.lock()
    expect(town.lock().reason).toBe('locked_already')
    town.want('a')
    expect(town.told.get('a')).toMatchObject({ state: 'waits', why: { kind: 'lock', by: bob }, about: undefined })
    town.unlock()
    expect(town.told.get('a')).toEqual({ state: 'given' })
    // What is under way goes on.
    town.lock()
    expect(town.state?.holder?.task).toBe('a')
    town.want('a', { state: 'out' })
    expect(town.state?.holder).toBeUndefined()
  })

  it('wakes when a freeze ends', () => {
    const town = new Town()
    const freeze = [
      { kind: 'once', from: '2026-11-30T00:00', to: '2026-11-30T13:00', zone: 'UTC', reason: 'stocktaking' },
    ] as const
    const { wakeAt } = town.want('a', {}, freeze)
    expect(wakeAt).toBe(Date.parse('2026-11-30T13:00:00Z'))
    expect(town.told.get('a')).toMatchObject({ why: { kind: 'freeze', reason: 'stocktaking' } })
    expect(town.do({ type: 'look' }).events).toEqual([])
    town.at = wakeAt ?? 0
    town.do({ type: 'look' })
    expect(town.told.get('a')).toEqual({ state: 'given' })
  })

  it('counts a word that is said twice, or too late, once', () => {
    const town = new Town()
    town.want('a')
    expect(town.want('a').events).toEqual([])
    town.want('a', { state: 'out' })
    expect(town.want('a', { state: 'out' }).events).toEqual([])
    // Tried again, it asks as another time.
    town.want('a', { nth: 2 })
    expect(town.state?.holder).toMatchObject({ task: 'a', nth: 2 })
    expect(town.want('a', { state: 'out' }).reason).toBe('not_there')
    expect(town.state?.holder).toMatchObject({ task: 'a', nth: 2 })
  })
})

it('lets whoever goes back go first, past a freeze but not past a lock, and keeps out what was taken back', () => {
  const town = new Town()
  const freeze = [{ kind: 'once', from: '2026-11-30T00:00', to: '2026-12-30T00:00', zone: 'UTC', reason: '' }] as const
  for (const task of ['a', 'b']) town.want(task, {}, freeze)
  town.lock()
  town.want('back', { goesBack: true }, freeze)
  expect([town.state?.holder, town.state?.queue.map(({ task }) => task)]).toEqual([undefined, ['back', 'a', 'b']])
  town.unlock()
  expect(town.state?.holder?.task).toBe('back')
  town.want('back', { goesBack: true, isLive: true, state: 'out', verdict: 'healthy' }, freeze)
  expect(town.state?.holder).toBeUndefined()
  const other = new Town()
  other.want('good', { isLive: true, state: 'out', verdict: 'healthy' })
  for (const [task, more] of [
    ['good', {}],
    ['good', { isLive: true, state: 'out', verdict: 'healthy' }],
    ['bad', {}],
    ['bad', { isLive: true, state: 'out', verdict: 'regressed', takenBackTo: 'sha-good', tree: 'tree-bad' }],
  ] as const)
    other.want(task, more)
  expect(other.state).toMatchObject({
    live: { sha: 'sha-good', verdict: 'healthy' },
    quarantine: [{ sha: 'sha-bad', tree: 'tree-bad' }],
  })
  expect(other.do({ type: 'lift', sha: 'sha-x', by: bob, from: undefined }).reason).toBe('not_quarantined')
  other.do({ type: 'lift', sha: 'sha-b', by: bob, from: undefined })
  expect(other.state?.quarantine).toEqual([])
})

describe('what is live and watched is taken back where somebody goes back', () => {
  const back = { goesBack: true, recalls: 'sha-a' } as const
  const live = (more: Partial<Wanted> = {}) => {
    const town = new Town()
    town.want('a', { mayGoBack: true, ...more })
    town.want('a', { mayGoBack: true, isLive: true, ...more })
    return town
  }
  const recalls = (town: Town) => town.history.filter(({ event }) => event.type === 'turn.recalled').length

  it('once; whoever waits is told', () => {
    const town = live()
    town.want('back', { ...back, by: bob })
    expect(town.told.get('a')).toEqual({ state: 'given', recalledBy: bob })
    expect(town.told.get('back')).toMatchObject({ state: 'waits', why: { sha: 'sha-a', recalledBy: bob } })
    town.want('again', back)
    expect(recalls(town)).toBe(1)
    town.want('a', { isLive: true, state: 'out', verdict: 'regressed', takenBackTo: 'sha-good' })
    expect([town.state?.live?.sha, town.state?.holder?.task]).toEqual(['sha-good', 'back'])
    // What goes back is not taken back in its turn.
    town.want('back', { ...back, isLive: true })
    town.want('once more', { goesBack: true, recalls: 'sha-back' })
    expect(recalls(town)).toBe(1)
  })

  it('also where that was said while it was about to serve', () => {
    const town = new Town()
    town.want('a', { mayGoBack: true })
    town.want('back', { ...back, by: bob })
    expect(town.told.get('a')).toEqual({ state: 'given' })
    town.want('a', { mayGoBack: true, isLive: true })
    expect(town.told.get('a')).toEqual({ state: 'given', recalledBy: bob })
  })

  it('not by who may not deploy there, nor who meant another one, nor long afterwards', () => {
    for (const more of [{ goesBack: true }, { goesBack: true, recalls: 'sha-of-before' }] as const) {
      const town = live()
      town.want('back', more)
      expect(recalls(town)).toBe(0)
    }
    const town = new Town()
    town.want('a', { mayGoBack: true })
    town.want('back', back)
    town.at += 3_600_000
    town.want('a', { mayGoBack: true, isLive: true })
    expect(recalls(town)).toBe(0)
  })

  it('not where there is no way back, and not past a lock', () => {
    const stuck = live({ mayGoBack: undefined })
    stuck.want('back', back)
    expect(recalls(stuck)).toBe(0)
    const town = live()
    town.lock()
    town.want('back', back)
    expect(recalls(town)).toBe(0)
    town.unlock()
    expect(recalls(town)).toBe(1)
  })
})

it('keeps out what people went back from, and knows that it went back', () => {
  const town = new Town()
  for (const [task, more] of [
    ['good', {}],
    ['good', { isLive: true, state: 'out', verdict: 'healthy' }],
    ['bad', { tree: 'tree-bad' }],
    ['bad', { tree: 'tree-bad', isLive: true, state: 'out', verdict: 'healthy' }],
    ['back', { sha: 'sha-good', goesBack: true }],
    ['back', { sha: 'sha-good', goesBack: true, isLive: true }],
  ] as const)
    town.want(task, more)
  expect(town.state).toMatchObject({
    live: { sha: 'sha-good', isBack: true },
    quarantine: [{ sha: 'sha-bad', tree: 'tree-bad', to: 'sha-good' }],
  })
})

it('hears of a verdict, and of a way back, after the turn was given up; once', () => {
  const town = new Town()
  town.want('good')
  town.want('good', { isLive: true, state: 'out', verdict: 'healthy' })
  town.want('bad')
  town.want('bad', { isLive: true, state: 'out' })
  expect(town.want('bad', { isLive: true, state: 'out', verdict: 'regressed' }).reason).toBe('judged')
  expect(town.want('bad', { isLive: true, state: 'out', verdict: 'regressed' }).events).toEqual([])
  const back = { isLive: true, state: 'out', verdict: 'regressed', takenBackTo: 'sha-good' } as const
  expect(town.want('bad', back).reason).toBe('judged')
  expect(town.state).toMatchObject({ live: { sha: 'sha-good', verdict: 'healthy' }, quarantine: [{ sha: 'sha-bad' }] })
  expect(town.want('bad', back).events).toEqual([])
})

const TASKS = ['a', 'b', 'c', 'd'] as const
const move = fc.record({
  what: fc.constantFrom('in', 'live', 'out', 'judged', 'lock', 'unlock', 'look', 'freeze'),
  task: fc.constantFrom(...TASKS),
  nth: fc.integer({ min: 1, max: 2 }),
  minutes: fc.nat(90),
})
const FREEZE = [{ kind: 'weekly', from: 13 * 60, to: 14 * 60, zone: 'UTC', reason: '' }] as const

function commandOf({ what, task, nth }: { what: string; task: string; nth: number }): EnvironmentCommand {
  const turn = (more: Partial<Wanted>): EnvironmentCommand => ({
    type: 'turn',
    wanted: wanted(task, { nth, ...more }),
    freeze: what === 'freeze' ? FREEZE : [],
  })
  switch (what) {
    case 'live':
      return turn({ isLive: true })
    case 'out':
      return turn({ state: 'out' })
    case 'judged':
      return turn({ state: 'out', isLive: true, verdict: 'regressed' })
    case 'lock':
      return { type: 'lock', by: bob, reason: '', from: undefined }
    case 'unlock':
      return { type: 'unlock', by: bob, from: undefined }
    case 'look':
      return { type: 'look' }
    default:
      return turn({})
  }
}

it('has one holder at most, keeps nobody waiting for nothing, and tells each what is so; replayed, it is the same', () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
      const town = new Town()
      for (const one of moves) {
        town.at += one.minutes * 60_000
        const before = town.state
        const { state, effects, events } = town.do(commandOf(one))
        const all = [...(state.holder ? [state.holder] : []), ...state.queue]
        // Nobody stands there twice.
        expect(new Set(all.map(({ task, release, nth }) => `${task} ${release} ${nth}`)).size).toBe(all.length)
        // Whoever waits, waits for something.
        if (state.queue.length > 0 && !state.holder)
          expect(effects.every(({ body }) => body.kind === 'task.turn')).toBe(true)
        // A turn is given to the first alone, and to nobody while it is locked.
        const given = events.filter(({ type }) => type === 'turn.given')
        expect(given.length).toBeLessThanOrEqual(1)
        if (given.length > 0) expect(state.lock).toBeUndefined()
        // Whoever had it keeps it until they are out.
        if (before?.holder && state.holder && before.holder !== state.holder)
          expect(events.some(({ type }) => type === 'turn.over' || type === 'turn.live')).toBe(true)
        // What was said last is what is so.
        if (state.holder) expect(town.told.get(state.holder.task)).toBeDefined()
      }
      let again: EnvironmentState | undefined
      for (const { event, at } of town.history) again = evolveEnvironment(again, event, at)
      expect(again).toEqual(town.state)
    }),
    { numRuns: Number(process.env['FC_RUNS'] ?? 300) },
  )
})
