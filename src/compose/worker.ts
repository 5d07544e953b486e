import { join, resolve } from 'node:path'
import { githubCatchUp } from '../channels/github/catchup.ts'
import type { GithubSettings } from '../config/env.ts'
import { inboxHandler } from '../inbox/handle.ts'
import { leaseKeeper } from '../leases/keeper.ts'
import type { Leases } from '../leases/types.ts'
import { noLimiter, sharedLimiter } from '../outbox/limiter.ts'
import { createOutbox } from '../outbox/outbox.ts'
import { type Role, ROLES } from '../core/roles.ts'
import { withLogContext } from '../telemetry/log.ts'
import { createEnvironments } from '../workflow/environments.ts'
import { withInside } from '../workflow/inside.ts'
import { lookAtPlugins } from '../workflow/plugins.ts'
import { createStepRunner } from '../workflow/runner.ts'
import { sweep } from '../workflow/sweep.ts'
import type { Workflow } from '../workflow/types.ts'
import { type Adapters, openAdapters, sleep, type Stand } from './adapters.ts'
import type { Base } from './base.ts'
import { apartFrom } from './apart/parent.ts'
import { catchUpsOf, limitsIn } from '../channels/connected.ts'
import { engineOf, inboxDepsOf, stepDepsOf, writerTo } from './engines.ts'
import { catchingUp, catchUpStore, tend } from '../upkeep/catchup.ts'
import { every } from '../upkeep/every.ts'
import { hostTargets } from '../upkeep/host.ts'
import { housekeeping } from '../upkeep/archive.ts'
import { emptyWork, folderApart, takeSlot } from '../operate/slot.ts'

const SWEEP_MS = 5000
const SETTLED_MS = 2000
/** Requests of one installation under way at once: one that hangs does not take the places of the others. */
const PER_ACCOUNT = 4
/** Steps that watch a release take a place and hardly anything else. */
const WATCHES = 16

export interface WorkerDeps {
  readonly base: Base
  readonly github: GithubSettings
  readonly kind: string
  /** Which roles' steps this process works on. */
  readonly roles: readonly Role[]
  readonly stand?: Stand
}

/** A worker that runs. */
export interface Worker {
  /** Lets the outbox look for work now. */
  kick(): void
  /** Fetches what arrived while nobody listened; to be called once somebody listens. */
  catchUp(): Promise<void>
  stop(): Promise<void>
}

/** The engines, over the adapters. */
function engines({ base, github, stand = {} }: WorkerDeps, adapters: Adapters, leases: Leases, workDir: string) {
  const { env, log, markerKey, queue, storage } = base
  const { store } = storage
  const { now } = store
  const engine = engineOf(base, (task) => {
    outbox.kick()
    runner.reconcile(task)
  })
  const environments = createEnvironments({ store, now, sleep, random: Math.random, kick: () => outbox.kick() })
  const outbox = createOutbox({
    store,
    workflow: engine,
    sender: withInside(adapters.sender, { workflow: () => engine, store, environments }),
    leases,
    limiter: stand.unlimited ? noLimiter() : sharedLimiter(store.rates, limitsIn(base.settings.channels), now),
    perAccount: stand.unlimited ? undefined : PER_ACCOUNT,
    markerKey,
    now,
    random: Math.random,
    log: writerTo(log),
  })
  const { kick } = outbox
  const { program } = stand
  const suspects = apartFrom({ store, queue, targets: adapters.targets, kick, sleep, log, env, workDir, program })
  const { apart } = suspects
  const runner = createStepRunner({ ...stepDepsOf({ base, stand }, adapters, engine), leases, apart })
  const handle = inboxHandler(
    inboxDepsOf({ base, github, stand }, adapters, { leases, workflow: engine, environments, apart, kick }),
  )
  return { engine, outbox, runner, handle, suspects, environments }
}

/** Begins to work: the inbox, the steps of its roles, the outbox, and what keeps all of it going. */
export async function startWorker(deps: WorkerDeps): Promise<Worker> {
  const { base, github, kind, roles, stand } = deps
  const { settings, log, queue, storage, redact } = base
  const { store } = storage
  const slot = settings.databaseUrl ? takeSlot(settings.dataDir) : undefined
  const workDir = slot?.dir ?? resolve(settings.dataDir)
  for (const dir of [workDir, folderApart(workDir, 'step'), folderApart(workDir, 'event')]) await emptyWork(dir)
  const leases = leaseKeeper({
    store,
    kind,
    version: base.version,
    ttlMs: settings.leaseMs,
    log: (level, message, fields = {}) => log[level](fields, message),
  })
  await leases.start()
  const adapters = await openAdapters({
    stand,
    env: base.env,
    settings,
    github,
    store,
    workDir,
    log,
    redact,
    leases,
    installs: base.installs,
  })
  const { engine, outbox, runner, handle, suspects, environments } = engines(deps, adapters, leases, workDir)
  // At first everything is looked at: nobody may be left who would queue it.
  let settledMs = 0
  const sweeping = every(SWEEP_MS, 'sweep', log, async () => {
    const restored = await sweep({ store, queue, leases, now: store.now, settledMs })
    settledMs = SETTLED_MS
    // Whoever swept looks at the environments as well.
    if (restored !== undefined) await environments.look()
    if (restored) log.info({ restored }, 'put back into the queue what it had lost')
  })
  const perRole = (role: Role) => (role === 'sre' && !stand?.target ? WATCHES : settings.concurrency)
  // Releases are looked after by one process: the steps of SRE go there.
  const early = roles.filter((role) => role !== 'sre' || stand?.target)
  await startQueue(queue, { engine, runner, handle }, early, perRole, stand !== undefined)
  outbox.start()
  const host =
    roles.includes('sre') && !stand?.target
      ? hostTargets({ leases, queue, hosts: hostsOf(adapters.targets), log, places: WATCHES })
      : undefined
  await host?.now()
  await queueReady(queue)
  await lookAtPlugins({ store, workflow: engine, log: writerTo(log) })
  await sweeping.now()
  const upkeep = upkeepOf(base, adapters, leases, stand?.platform !== undefined)
  return {
    kick: outbox.kick,
    catchUp: upkeep.catchUp,
    async stop() {
      for (const one of [sweeping, ...upkeep.all]) one.stop()
      suspects.stop()
      await runner.stop()
      await outbox.stop()
      await queue.close(5000)
      await host?.stop(settings.releasesAtStop === 'stop')
      await leases.stop()
      slot?.release()
    },
  }
}

function hostsOf({ byName }: Adapters['targets']) {
  return Object.values(byName).flatMap(({ host }) => host ?? [])
}

type Engines = Pick<ReturnType<typeof engines>, 'engine' | 'runner' | 'handle'>

/** What one process of all does once in a while. @param isAlone no vendor is there to be asked */
function upkeepOf({ storage, settings, queue, log }: Base, adapters: Adapters, leases: Leases, isAlone: boolean) {
  const { store } = storage
  const dir = join(resolve(settings.dataDir), 'archive')
  const channels = async () => [
    githubCatchUp(adapters.client, catchUpStore(store)),
    ...(await catchUpsOf(adapters.channels, store.tasks.surfaces, catchUpStore(store))),
  ]
  const keeping = housekeeping({ store, keepDays: settings.keepDays, dir, log, leases })
  const catching = catchingUp({ store, queue, log, leases, channels: isAlone ? async () => [] : channels })
  const tending = tend(adapters.channels.all, leases, log, catching.now, store.now)
  return { catchUp: catching.now, all: [keeping, catching, tending] }
}

/** Takes work off the queue. @param light many small things at once, for tests of Muster's own engines */
async function startQueue(
  queue: Base['queue'],
  { engine, runner, handle }: Engines,
  early: readonly Role[],
  perRole: (role: Role) => number,
  light: boolean,
): Promise<void> {
  await queue.start(
    {
      inbound: ({ eventId }) => handle(eventId),
      step: ({ taskId, step, attempt, delivery }) =>
        withLogContext({ task: taskId, step, ...(delivery ? { delivery } : {}) }, () =>
          runner.run(taskId, step, attempt),
        ),
      wake: ({ taskId, delivery }) =>
        withLogContext({ task: taskId, ...(delivery ? { delivery } : {}) }, () => wake(engine, taskId)),
    },
    { inbound: light ? 16 : 8, wake: 4, roles: Object.fromEntries(early.map((role) => [role, perRole(role)])) },
  )
}

/** A queue that is just being connected to is waited for a moment; one that is away is left to the sweeper. */
async function queueReady(queue: Base['queue']): Promise<void> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const ready = await queue.ping().then(
      () => true,
      () => false,
    )
    if (ready) return
    await sleep(100)
  }
}

async function wake(workflow: Workflow, taskId: string): Promise<void> {
  if (await workflow.get(taskId)) await workflow.apply(taskId, { type: 'quiet.over' })
}

/** The roles that `--roles` names; all of them without it. */
export function rolesOf(names: string | undefined): readonly Role[] | { readonly unknown: string } {
  const all = ROLES.names()
  if (names === undefined) return all
  const wanted = names
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter(Boolean)
  const unknown = wanted.find((name) => ROLES.named(name) === undefined)
  if (unknown !== undefined || wanted.length === 0) return { unknown: unknown ?? '' }
  return all.filter((role) => wanted.includes(role))
}
