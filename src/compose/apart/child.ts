import { writeFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { UserError } from '../../core/errors.ts'
import { handleApart } from '../../inbox/handle.ts'
import { leaseKeeper } from '../../leases/keeper.ts'
import { type Leases, Lost } from '../../leases/types.ts'
import type { ApplyInput, Environment, RestoreInput, WeighInput, Target } from '../../releases/types.ts'
import { NO_TOOLS } from '../../releases/tools.ts'
import type { Store } from '../../store/types.ts'
import { withLogContext } from '../../telemetry/log.ts'
import { createEnvironments } from '../../workflow/environments.ts'
import { workApart } from '../../workflow/runner.ts'
import { openAdapters, sleep, type Stand } from '../adapters.ts'
import type { Env } from '../../core/environment.ts'
import { type Base, openBase } from '../base.ts'
import { engineOf, inboxDepsOf, stepDepsOf, writerTo } from '../engines.ts'
import { emptyWork, folderApart } from '../../operate/slot.ts'
import { type Calls, connect } from './calls.ts'
import type { ChildSide, FarTarget, Handed, ParentSide } from './types.ts'

/**
 * A process for one suspect: it works in the name of the process that started it, asks that one for everything that is stored,
 * and ends with it. @throws UserError where nobody started it for that
 */
export async function runApart(env: Env, version: string, stand: Stand = {}): Promise<void> {
  if (!process.connected)
    throw new UserError(
      'not_apart',
      'This is started by Muster itself, for work that is suspected of ending its process.',
    )
  // Stopped by the terminal or a supervisor together with the other one, that one says what is to be done.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
  offerToTheKernel()
  new Worker(ORPHAN, { eval: true, workerData: process.ppid }).unref()
  const controller = new AbortController()
  const deploying: Deploying = {}
  const child: ChildSide = {
    work: (handed) => work(calls, handed, { env, version, stand, signal: controller.signal, deploying }),
    stop: async (lost) => controller.abort(lost ? new Lost('somebody else may have it by now') : new Error('stopped')),
    unpack: async (dir) => deploying.unpack?.(dir),
    tools: async (commands) => (await deploying.tools?.(commands)) ?? NO_TOOLS,
    answers: async () => {},
  }
  const calls = connect(process, { child })
  // Told that all is over, or left alone: what it still has is found again by its leases.
  await new Promise((ended) => process.once('disconnect', ended))
  process.exit(0)
}

/** Ends this process when its parent has ended, though its event loop be blocked. */
const ORPHAN = `const { workerData } = require('node:worker_threads')
setInterval(() => process.ppid === workerData || process.kill(process.pid, 'SIGKILL'), 1000)`

/** Where memory runs out, the suspect goes first. */
function offerToTheKernel(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', '1000')
  } catch {
    // Not on this system.
  }
}

interface Own {
  readonly env: Env
  readonly version: string
  readonly stand: Stand
  readonly signal: AbortSignal
  readonly deploying: Deploying
}

/** The deploy under way, of which the other process asks for the files and how its commands are run. */
interface Deploying {
  unpack?: ApplyInput['unpack']
  tools?: ApplyInput['tools']
}

async function work(calls: Calls, handed: Handed, own: Own): Promise<void> {
  const base = await openBase(own.env, own.version, 'apart', storedElsewhere(calls, handed.now))
  const { settings, log } = base
  const { store } = base.storage
  const leases = leaseKeeper({
    store,
    kind: 'apart',
    version: own.version,
    ttlMs: settings.leaseMs,
    log: writerTo(log),
  })
  const workDir = folderApart(handed.workDir, handed.job.kind)
  try {
    await emptyWork(workDir)
    await leases.start()
    await perform(calls, handed, own, { base, leases, workDir })
  } finally {
    await leases.stop()
    await emptyWork(workDir)
  }
}

async function perform(
  calls: Calls,
  { job, fence, crashes }: Handed,
  { stand, signal, deploying }: Own,
  { base, leases, workDir }: { readonly base: Base; readonly leases: Leases; readonly workDir: string },
): Promise<void> {
  const { settings, log, redact, installs, storage } = base
  const { store } = storage
  const github = await base.app()
  if (!github) throw new Error('the GitHub App is gone')
  const targetOver = (name: string, target: Target) => targetElsewhere(calls, name, target, deploying)
  const opened = { stand, env: base.env, settings, github, store, workDir, log, redact, installs, leases, targetOver }
  const adapters = await openAdapters(opened)
  const far = calls.remote<ParentSide['work']>('work')
  const kick = () => void far.kick().catch(() => {})
  const workflow = engineOf(base, kick)
  // Prolonged first: from here on it is known how old it is.
  if ((await store.leases.renew([fence], leases.ttlMs)).length === 0)
    throw new Lost(`${fence.name} belongs to somebody else`)
  const claim = leases.keep(fence, crashes)
  const apart = () => Promise.reject(new Error('a suspect begins no other one'))
  await far.begins()
  try {
    if (job.kind === 'event') {
      const environments = createEnvironments({ store, now: store.now, sleep, random: Math.random, kick })
      const deps = inboxDepsOf({ base, github, stand }, adapters, { leases, workflow, environments, apart, kick })
      await handleApart(deps, job.id, claim)
    } else {
      const until = AbortSignal.any([signal, claim.signal])
      await withLogContext({ task: job.taskId, step: job.step }, () =>
        workApart(stepDepsOf({ base, stand }, adapters, workflow), job, claim, until),
      )
    }
  } finally {
    // It is the other's to give back.
    claim.drop()
  }
}

/** The database and the queue of the other process. */
function storedElsewhere(calls: Calls, then: number): Pick<Base, 'storage' | 'queue'> {
  const far = calls.remote<ParentSide['store']>('store')
  const began = performance.now()
  const store: Store = {
    inbox: far.inbox,
    tasks: far.tasks,
    conversations: far.conversations,
    people: far.people,
    installs: far.installs,
    effects: far.effects,
    deadLetters: far.deadLetters,
    leases: far.leases,
    processes: far.processes,
    rates: far.rates,
    turns: far.turns,
    usage: far.usage,
    answers: far.answers,
    releases: far.releases,
    environments: far.environments,
    instance: far.instance,
    archive: far.archive,
    ping: () => far.ping(),
    now: () => Math.round(then + performance.now() - began),
  }
  const queue = calls.remote<ParentSide['queue']>('queue')
  const notHere = () => Promise.reject(new Error('a suspect takes no other work'))
  return {
    storage: { store, dump: undefined, close: async () => {} },
    queue: {
      add: (job, options) => queue.add(job, options),
      addMany: (jobs) => queue.addMany(jobs),
      restore: (jobs) => queue.restore(jobs),
      ping: () => queue.ping(),
      start: notHere,
      consume: notHere,
      close: async () => {},
    },
  }
}

/** Releases are served by the other process, which deploys them as well. */
function targetElsewhere(calls: Calls, name: string, here: Target, deploying: Deploying): Target {
  const far = calls.remote<Readonly<Record<string, FarTarget>>>('targets')[name]
  if (!far) return here
  return {
    url: (environment) => here.url(environment),
    current: (environment) => far.current(environment),
    observe: (id) => far.observe(id),
    log: (id) => far.log(id),
    probe: (environment, sha) => far.probe(environment, sha),
    samples: (environment, from, to) => far.samples(environment, from, to),
    measuredSince: (environment, before) => far.measuredSince(environment, before),
    ...(here.restore
      ? {
          restorable: (environment: Environment) => far.restorable(environment),
          async restore({ mayAct, signal, ...request }: RestoreInput) {
            mayAct()
            signal.throwIfAborted()
            await far.restore(request)
          },
        }
      : {}),
    ...(here.weigh
      ? {
          async weigh({ mayAct, signal, ...request }: WeighInput) {
            mayAct()
            signal.throwIfAborted()
            await far.weigh(request)
          },
        }
      : {}),
    async apply({ unpack, tools, mayAct, signal, ...request }) {
      deploying.unpack = unpack
      deploying.tools = tools
      mayAct()
      signal.throwIfAborted()
      await far.apply(request)
    },
  }
}
