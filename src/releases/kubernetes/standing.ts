import { z } from 'zod'
import { RELEASE, SHA } from './manifests.ts'

/** What a cluster says of a Deployment, read. */

const Annotations = z.record(z.string(), z.string()).nullish()
const ReplicaSets = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        annotations: Annotations,
        ownerReferences: z.array(z.object({ kind: z.string(), name: z.string() })).optional(),
      }),
      spec: z.object({
        template: z.object({ metadata: z.object({ annotations: Annotations }).optional() }),
      }),
      status: z.object({ readyReplicas: z.number().optional() }).optional(),
    }),
  ),
})

/** The commit that has most of the pods that are ready; of as many, the newer. Undefined where none is, or nobody has marked them. */
export function shaServing(json: unknown, deployment: string): string | undefined {
  const { items } = ReplicaSets.parse(json)
  const [most] = items
    .filter(({ metadata }) =>
      metadata.ownerReferences?.some(({ kind, name }) => kind === 'Deployment' && name === deployment),
    )
    .map(({ metadata, spec, status }) => ({
      ready: status?.readyReplicas ?? 0,
      revision: Number(metadata.annotations?.[REVISION] ?? 0),
      sha: spec.template.metadata?.annotations?.[SHA],
    }))
    .filter(({ ready }) => ready > 0)
    .toSorted((a, b) => b.ready - a.ready || b.revision - a.revision)
  return most?.sha
}

const REVISION = 'deployment.kubernetes.io/revision'
const Deployment = z.object({
  metadata: z.object({ annotations: Annotations }),
  spec: z.object({ template: z.object({ metadata: z.object({ annotations: Annotations }).nullish() }) }),
  status: z
    .object({
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), message: z.string().optional() }))
        .optional(),
    })
    .optional(),
})

/** A Deployment as it is meant to be, whether or not any of its pods is ready. */
export interface Meant {
  readonly sha: string | undefined
  readonly release: string | undefined
  /** Which of its own revisions that is. */
  readonly revision: string | undefined
  /** Why pods of it cannot even be made. */
  readonly failure: string | undefined
}

export function meantBy(json: unknown): Meant {
  const { metadata, spec, status } = Deployment.parse(json)
  const marks = spec.template.metadata?.annotations
  const failing = status?.conditions?.find(({ type, status: is }) => type === 'ReplicaFailure' && is === 'True')
  return {
    sha: marks?.[SHA],
    release: marks?.[RELEASE],
    revision: metadata.annotations?.[REVISION],
    failure: failing?.message?.slice(0, 300),
  }
}

const State = z.object({
  name: z.string(),
  restartCount: z.number().optional(),
  state: z
    .object({
      waiting: z.object({ reason: z.string().optional(), message: z.string().optional() }).optional(),
      terminated: z.object({ reason: z.string().optional(), exitCode: z.number().optional() }).optional(),
    })
    .optional(),
})
const Pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string(), annotations: Annotations }),
      status: z
        .object({
          phase: z.string().optional(),
          conditions: z
            .array(z.object({ type: z.string(), status: z.string(), message: z.string().optional() }))
            .optional(),
          initContainerStatuses: z.array(State).optional(),
          containerStatuses: z.array(State).optional(),
        })
        .optional(),
    }),
  ),
})

/** Why pods of a release are not ready, each reason once. */
export function whyNotReady(json: unknown, release: string): readonly string[] {
  const own = Pods.parse(json).items.filter(({ metadata }) => metadata.annotations?.[RELEASE] === release)
  const reasons = own.flatMap(({ status }) => {
    const unscheduled = (status?.conditions ?? []).find(
      ({ type, status: is }) => type === 'PodScheduled' && is === 'False',
    )
    const held = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].flatMap(
      ({ name, state }) => {
        const { waiting, terminated } = state ?? {}
        const why = waiting?.reason ?? (terminated && `ended (${terminated.reason ?? terminated.exitCode ?? ''})`)
        return why ? [`${name}: ${why}${waiting?.message ? `, ${waiting.message.slice(0, 150)}` : ''}`] : []
      },
    )
    return [...(unscheduled?.message ? [unscheduled.message.slice(0, 200)] : []), ...held]
  })
  return [...new Set(reasons)].slice(0, 5)
}

/** The pods of a release, by name. */
export function podsOf(json: unknown, release: string): readonly string[] {
  return Pods.parse(json)
    .items.filter(({ metadata }) => metadata.annotations?.[RELEASE] === release)
    .map(({ metadata }) => metadata.name)
}

/** How often one container of a release's pods was started again, the one that was most often: a node that goes down ends many once. */
export function restartsOf(json: unknown, release: string): number {
  return Pods.parse(json)
    .items.filter(({ metadata }) => metadata.annotations?.[RELEASE] === release)
    .flatMap(({ status }) => status?.containerStatuses ?? [])
    .reduce((most, { restartCount = 0 }) => Math.max(most, restartCount), 0)
}

/** What `kubectl diff` says that would be made or changed, each object by its kind and name, with how many lines of it. */
export function changesIn(diff: string): readonly string[] {
  // Its files are called `group.version.Kind.namespace.name`.
  return diff
    .split(/^diff .*$/m)
    .slice(1)
    .flatMap((part) => {
      const file = /^\+\+\+ \S*\/([^\s/]+)/m.exec(part)?.[1] ?? ''
      // Names have dots as well; kinds alone begin with a capital, and a namespace has none.
      const parts = file.split('.')
      const at = parts.findIndex((one) => /^[A-Z]/.test(one))
      const [kind, name] = at < 0 ? [] : [parts[at], parts.slice(at + 2).join('.')]
      if (!kind || !name) return []
      const lines = part.split('\n').slice(1)
      const count = (sign: string) =>
        lines.filter((line) => line.startsWith(sign) && !line.startsWith(sign.repeat(3))).length
      return /^@@ -0,0 /m.test(part)
        ? [`make ${kind} ${name}`]
        : [`change ${kind} ${name} (+${count('+')} −${count('-')} lines)`]
    })
}
