import { createPostgresBackend, type Job as BullJob, type PgPool, runMigrations, withBackend } from 'bullmq'
import type { Pool } from 'pg'
import type { Handlers, Job, Queue } from './types.ts'

const { Queue: PgQueue, Worker: PgWorker } = withBackend(createPostgresBackend)

type Name = Job['name']
const NAMES: readonly Name[] = ['inbound', 'step', 'wake']

export interface QueueOptions {
  readonly pool: PgPool
  /** How many jobs of each kind run at once in this process. */
  readonly concurrency: Readonly<Record<Name, number>>
  readonly onError: (error: Error) => void
  /** Only this process works on the queue: what an earlier one left behind is thrown away and found again from the database. */
  readonly exclusive: boolean
}

/** BullMQ on its PostgreSQL backend, with a real pool or the embedded database. */
export async function openQueue({ pool, concurrency, onError, exclusive }: QueueOptions): Promise<Queue> {
  const client = await pool.connect()
  await runMigrations(client, 'bullmq')
  client.release()
  const queues = NAMES.map(
    (name) =>
      new PgQueue<Job>(`muster-${name}`, {
        connection: pool,
        defaultJobOptions: {
          attempts: 5,
          backoff: { type: 'exponential', delay: 500, jitter: 1 },
          removeOnComplete: true,
          removeOnFail: true,
        },
      }),
  )
  for (const queue of queues) queue.on('error', onError)
  if (exclusive) await Promise.all(queues.map((queue) => queue.obliterate({ force: true })))
  const byName = new Map(NAMES.map((name, index) => [name, queues[index]]))
  let closing = false
  let workers: { close(force?: boolean): Promise<void> }[] = []
  return {
    async add(job, delayMs = 0) {
      // A closed queue never answers; what is not queued now is found again in the database.
      if (closing) return
      await byName.get(job.name)?.add(job.name, job, { jobId: identity(job), delay: Math.max(0, delayMs) })
    },
    async start(handlers) {
      workers = NAMES.map((name) => {
        const worker = new PgWorker<Job>(`muster-${name}`, (job: BullJob<Job>) => handle(handlers, job.data), {
          connection: pool,
          concurrency: concurrency[name],
        })
        worker.on('error', onError)
        return worker
      })
    },
    async close(graceMs) {
      closing = true
      const ended = Promise.all(workers.map((worker) => worker.close()))
      await Promise.race([ended, new Promise((done) => setTimeout(done, graceMs).unref())])
      await Promise.all(workers.map((worker) => worker.close(true)))
      await Promise.all(queues.map((queue) => queue.close()))
    },
    async ping() {
      await pool.query('SELECT 1')
    },
  }
}

function identity(job: Job): string {
  switch (job.name) {
    case 'inbound':
      return job.eventId
    case 'step':
      return `${job.taskId}.${job.step}.${job.attempt}`
    case 'wake':
      return `${job.taskId}.${job.dueAt}`
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

/** A node-postgres pool as BullMQ's types want it: the boundary cast of this seam, for overloads that differ in words only. */
export function asQueuePool(pool: Pool): PgPool {
  return pool as unknown as PgPool
}
