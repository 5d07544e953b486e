import {
  createPostgresBackend,
  type Job as BullJob,
  type JobsOptions,
  type PgPool,
  Queue as RedisQueue,
  runMigrations,
  Worker as RedisWorker,
  withBackend,
} from 'bullmq'
import { Redis } from 'ioredis'
import type { Pool } from 'pg'
import { messageOf } from '../core/errors.ts'
import { type Role, ROLES } from '../core/roles.ts'
import { identityOf, queueOf, readJob, stepQueue, writeJob } from './jobs.ts'
import { type AddOptions, type Consume, type Handlers, type Job, type Queue, QueueDown } from './types.ts'

/** What carries the jobs: Redis, or BullMQ's tables in PostgreSQL (a server, or the embedded one). */
export type Carrier =
  | { readonly kind: 'redis'; readonly url: string }
  | { readonly kind: 'postgres'; readonly pool: PgPool }

export interface QueueOptions {
  readonly carrier: Carrier
  /** Tells installations apart that share a Redis. */
  readonly instance: string
  readonly log: (level: 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void
  readonly now: () => number
}

/** The names of queues in the database; a database has one installation. */
const PG_PREFIX = 'muster'
const JOB: JobsOptions = {
  attempts: 5,
  backoff: { type: 'exponential', delay: 500, jitter: 1 },
  removeOnComplete: true,
  removeOnFail: true,
}
/** Whether work is really dead is decided by leases; BullMQ only hands it out again. */
const WORKER = { lockDuration: 30_000, stalledInterval: 15_000, maxStalledCount: 1000, drainDelay: 5 }
const ADD_MS = 5000
/** A job of a newer version is offered again after this. */
const NEWER_MS = 30_000
/** So many are looked at side by side. */
const BATCH = 100
const LOG_EVERY_MS = 10_000

/** What is used of BullMQ's classes, whose types differ from backend to backend. */
interface BullQueue {
  add(name: string, data: unknown, options: JobsOptions): Promise<unknown>
  addBulk(jobs: { name: string; data: unknown; opts: JobsOptions }[]): Promise<unknown>
  getJob(id: string): Promise<{ getState(): Promise<string> } | undefined>
  close(): Promise<void>
  on(event: 'error', listener: (error: Error) => void): unknown
}
interface BullWorker {
  close(force?: boolean): Promise<void>
  on(event: 'error', listener: (error: Error) => void): unknown
}
interface Backend {
  queue(name: string): BullQueue
  worker(name: string, work: (job: Pick<BullJob, 'data' | 'id'>) => Promise<void>, concurrency: number): BullWorker
  ready(): boolean
  ping(): Promise<void>
  close(): Promise<void>
}

/** BullMQ, whichever backend carries it. */
export async function openQueue({ carrier, instance, log, now }: QueueOptions): Promise<Queue> {
  const quiet = throttled(log)
  const backend =
    carrier.kind === 'redis'
      ? redisBackend(carrier.url, `muster-${instance}`, quiet)
      : await postgresBackend(carrier.pool)
  return new BullQueues(backend, { log, now, quiet })
}

interface BullDeps extends Pick<QueueOptions, 'log' | 'now'> {
  readonly quiet: (error: Error) => void
}

class BullQueues implements Queue {
  readonly #backend: Backend
  readonly #deps: BullDeps
  readonly #queues: ReadonlyMap<string, BullQueue>
  readonly #workers = new Map<string, BullWorker>()
  #handlers: Handlers | undefined
  #closing = false

  constructor(backend: Backend, deps: BullDeps) {
    this.#backend = backend
    this.#deps = deps
    const names = ['inbound', 'wake', ...ROLES.names().map(stepQueue)]
    this.#queues = new Map(names.map((name) => [name, backend.queue(name)]))
    for (const queue of this.#queues.values()) queue.on('error', deps.quiet)
  }

  async add(job: Job, { delayMs = 0, priority }: AddOptions = {}, id = identityOf(job)): Promise<void> {
    // A closed queue never answers; what is not queued now is found again in the database.
    if (this.#closing) return
    this.#mustBeReady()
    const options = { ...JOB, jobId: id, delay: Math.max(0, Math.round(delayMs)), ...(priority ? { priority } : {}) }
    await within(ADD_MS, queueIn(this.#queues, queueOf(job)).add(job.name, writeJob(job), options))
  }

  async addMany(jobs: Parameters<Queue['addMany']>[0]): Promise<void> {
    if (this.#closing) return
    this.#mustBeReady()
    const all = [...Map.groupBy(jobs, ({ job }) => queueOf(job))].map(async ([name, list]) =>
      queueIn(this.#queues, name).addBulk(
        list.map(({ job, priority }) => ({
          name: job.name,
          data: writeJob(job),
          opts: { ...JOB, jobId: identityOf(job), priority },
        })),
      ),
    )
    await within(ADD_MS, Promise.all(all))
  }

  async restore(jobs: Parameters<Queue['restore']>[0]): Promise<number> {
    let added = 0
    const restoreOne = async ({ job, priority, delayMs }: (typeof jobs)[number]) => {
      const state = await waits(this.#queues, job)
      if (state === 'waits') return
      added++
      // An active job that nobody has (its worker died) still takes its name.
      const name = state === 'taken' ? `${identityOf(job)}~${Math.floor(this.#deps.now() / 10_000)}` : undefined
      await this.add(job, { priority, delayMs }, name)
    }
    for (let from = 0; from < jobs.length; from += BATCH)
      await Promise.all(jobs.slice(from, from + BATCH).map(restoreOne))
    return added
  }

  async start(handlers: Handlers, { inbound, wake, roles }: Consume): Promise<void> {
    this.#handlers = handlers
    await Promise.all([
      this.#consume('inbound', inbound),
      this.#consume('wake', wake),
      ...ROLES.names().map((role) => this.#consume(stepQueue(role), roles[role] ?? 0)),
    ])
  }

  consume(role: Role, concurrency: number): Promise<void> {
    return this.#consume(stepQueue(role), concurrency)
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true
    await closeAll([...this.#workers.values()], [...this.#queues.values()], graceMs)
    await this.#backend.close()
  }

  ping(): Promise<void> {
    return this.#backend.ping()
  }

  #mustBeReady(): void {
    if (!this.#backend.ready()) throw new QueueDown('the queue is out of reach')
  }

  async #consume(name: string, concurrency: number): Promise<void> {
    const running = this.#workers.get(name)
    this.#workers.delete(name)
    if (running) await running.close()
    if (concurrency < 1 || this.#closing) return
    const worker = this.#backend.worker(name, (job) => this.#work(name, job.data, job.id), concurrency)
    worker.on('error', this.#deps.quiet)
    this.#workers.set(name, worker)
  }

  async #work(queue: string, data: unknown, id: string | undefined): Promise<void> {
    const { log, now } = this.#deps
    const read = readJob(data)
    if (read.kind === 'unknown') return log('error', 'a job that nobody knows was dropped', { job: id, why: read.why })
    if (read.kind === 'job') return this.#handlers && handle(this.#handlers, read.job)
    log('warn', 'a job of a newer version is left to its workers', { job: id, version: read.version })
    // Under an identity of its own: this one is taken until it ends.
    await queueIn(this.#queues, queue).add(queue, data, { ...JOB, jobId: `${id ?? ''}~${now()}`, delay: NEWER_MS })
  }
}

/** Workers first, and not for longer than the grace; then whatever is left at once. */
async function closeAll(workers: readonly BullWorker[], queues: readonly BullQueue[], graceMs: number): Promise<void> {
  const ended = Promise.allSettled(workers.map((worker) => worker.close()))
  await Promise.race([ended, new Promise((done) => setTimeout(done, graceMs).unref())])
  await within(2000, Promise.allSettled(workers.map((worker) => worker.close(true)))).catch(() => {})
  await within(2000, Promise.allSettled(queues.map((queue) => queue.close()))).catch(() => {})
}

async function waits(queues: ReadonlyMap<string, BullQueue>, job: Job): Promise<'waits' | 'taken' | 'absent'> {
  const found = await queueIn(queues, queueOf(job)).getJob(identityOf(job))
  if (!found) return 'absent'
  const state = await found.getState()
  return state === 'waiting' || state === 'delayed' || state === 'prioritized' ? 'waits' : 'taken'
}

/** A job without a queue would vanish in silence. */
function queueIn(queues: ReadonlyMap<string, BullQueue>, name: string): BullQueue {
  const queue = queues.get(name)
  if (!queue) throw new Error(`there is no queue ${name}`)
  return queue
}

function redisBackend(url: string, prefix: string, onError: (error: Error) => void): Backend {
  const options = { enableReadyCheck: true, retryStrategy: (times: number) => Math.min(2000, times * 100) }
  // Two connections: producers give up at once while Redis is away, consumers wait for it.
  const producer = new Redis(url, { ...options, maxRetriesPerRequest: 0, enableOfflineQueue: false })
  const consumer = new Redis(url, { ...options, maxRetriesPerRequest: null })
  for (const connection of [producer, consumer]) connection.on('error', onError)
  return {
    queue: (name) =>
      new RedisQueue<unknown>(name, {
        connection: producer,
        prefix,
        skipVersionCheck: true,
        skipWaitingForReady: true,
      }),
    worker: (name, work, concurrency) =>
      new RedisWorker(name, work, { ...WORKER, connection: consumer, prefix, concurrency }),
    ready: () => producer.status === 'ready',
    async ping() {
      if (producer.status !== 'ready') throw new QueueDown('Redis is out of reach')
      await producer.ping()
    },
    async close() {
      producer.disconnect()
      consumer.disconnect()
    },
  }
}

const { Queue: PgQueue, Worker: PgWorker } = withBackend(createPostgresBackend)

async function postgresBackend(pool: PgPool): Promise<Backend> {
  const client = await pool.connect()
  await runMigrations(client, 'bullmq')
  client.release()
  return {
    queue: (name) => new PgQueue<unknown>(`${PG_PREFIX}-${name}`, { connection: pool }),
    worker: (name, work, concurrency) =>
      new PgWorker(`${PG_PREFIX}-${name}`, work, { ...WORKER, connection: pool, concurrency }),
    ready: () => true,
    async ping() {
      await pool.query('SELECT 1')
    },
    close: async () => {},
  }
}

async function handle(handlers: Handlers, job: Job): Promise<void> {
  switch (job.name) {
    case 'inbound':
      return handlers.inbound(job)
    case 'step':
      return handlers.step(job)
    case 'wake':
      return handlers.wake(job)
  }
}

/** The same complaint many times a second is one line. */
function throttled(log: QueueOptions['log']): (error: Error) => void {
  const last = new Map<string, number>()
  return (error) => {
    const text = messageOf(error)
    const at = performance.now()
    if (at - (last.get(text) ?? Number.NEGATIVE_INFINITY) < LOG_EVERY_MS) return
    if (last.size > 100) last.clear()
    last.set(text, at)
    log('warn', 'queue', { error: text })
  }
}

async function within<T>(ms: number, action: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new QueueDown(`the queue did not answer within ${ms / 1000} s`)), ms)
  })
  try {
    return await Promise.race([action, late])
  } finally {
    clearTimeout(timer)
  }
}

/** A node-postgres pool as BullMQ's types want it: the boundary cast of this seam, for overloads that differ in words only. */
export function asQueuePool(pool: Pool): PgPool {
  pool.setMaxListeners(0)
  return pool as unknown as PgPool
}
