import { z } from 'zod'
import { type Role, ROLES } from '../core/roles.ts'
import type { Job } from './types.ts'

/** The form of jobs that this version writes. A job of a newer one is left to the workers that know it. */
export const JOB_VERSION = 1

const Versioned = z.object({ v: z.int() })
const Id = z.string().min(1).max(300)
const StoredJob = z.discriminatedUnion('name', [
  z.object({ name: z.literal('inbound'), eventId: Id }),
  z.object({
    name: z.literal('step'),
    taskId: Id,
    step: Id,
    role: z.custom<Role>(
      (role) => typeof role === 'string' && ROLES.named(role) !== undefined,
      'no role of this process',
    ),
    attempt: z.int().min(1),
    dueAt: z.number().optional(),
    delivery: z.string().optional(),
  }),
  z.object({ name: z.literal('wake'), taskId: Id, dueAt: z.number(), delivery: z.string().optional() }),
])

export type ReadJob =
  | { readonly kind: 'job'; readonly job: Job }
  | { readonly kind: 'newer'; readonly version: number }
  | { readonly kind: 'unknown'; readonly why: string }

/** Reads what stands in the queue; anything may. */
export function readJob(data: unknown): ReadJob {
  const version = Versioned.safeParse(data)
  if (version.success && version.data.v > JOB_VERSION) return { kind: 'newer', version: version.data.v }
  const parsed = StoredJob.safeParse(data)
  return parsed.success
    ? { kind: 'job', job: parsed.data }
    : { kind: 'unknown', why: z.prettifyError(parsed.error).replaceAll('\n', ' ').slice(0, 300) }
}

/** A job as it is stored. */
export function writeJob(job: Job): Readonly<Record<string, unknown>> {
  return { v: JOB_VERSION, ...job }
}

/** What a job is known by: the same work is not queued twice. BullMQ allows no colon in it. */
export function identityOf(job: Job): string {
  switch (job.name) {
    case 'inbound':
      return job.eventId
    case 'step':
      return `${job.taskId}.${job.step}.${job.attempt}${job.dueAt === undefined ? '' : `@${Math.round(job.dueAt)}`}`
    case 'wake':
      return `${job.taskId}.${Math.round(job.dueAt)}`
  }
}

/** The queue of a job: steps of each role have their own, so that workers can be had for some of them. */
export function queueOf(job: Job): string {
  return job.name === 'step' ? stepQueue(job.role) : job.name
}

/** @returns the queue of a role's steps */
export function stepQueue(role: Role): string {
  return `step-${role.replace('/', '.')}`
}
