import { randomBytes, randomUUID } from 'node:crypto'

/** What a cluster has, as far as it is looked at here. */
export interface Thing {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Meta
  readonly spec?: { readonly template?: Template; readonly replicas?: number; readonly selector?: unknown }
  readonly status?: Readonly<Record<string, unknown>> & { readonly readyReplicas?: number }
  readonly data?: unknown
}

export interface Meta {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly generation?: number
  readonly resourceVersion?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly { readonly name: string }[]
}

export interface Template {
  readonly metadata?: Partial<Meta>
  readonly spec: {
    readonly containers: readonly {
      readonly name: string
      readonly image?: string
      readonly env?: readonly { readonly name: string; readonly value: string }[]
    }[]
  }
}

export const NAMESPACE = 'shop'
/** How long a pod takes; ms. */
const READY_MS = 150

/** What is there, and one controller, which makes pods of Deployments: those before go once the new ones are ready. */
export class Things {
  readonly #things = new Map<string, Thing>()
  readonly #told: (path: string, type: string, thing: Thing) => void
  version = 1

  /** @param told of every change */
  constructor(told: (path: string, type: string, thing: Thing) => void) {
    this.#told = told
  }

  get(kind: string, name: string): Thing | undefined {
    return this.#things.get(`${kind}/${name}`)
  }

  of(kind: string): Thing[] {
    return [...this.#things].filter(([path]) => path.startsWith(`${kind}/`)).map(([, thing]) => thing)
  }

  put(kind: string, thing: Thing): Thing {
    const path = `${kind}/${thing.metadata.name}`
    const type = this.#things.has(path) ? 'MODIFIED' : 'ADDED'
    const stored = { ...thing, metadata: { ...thing.metadata, resourceVersion: String(++this.version) } }
    this.#things.set(path, stored)
    this.#told(path, type, stored)
    return stored
  }

  /** The ReplicaSets of a Deployment. */
  setsOf(name: string): Thing[] {
    return this.of('replicasets').filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === name)
  }

  /** Puts a Deployment as somebody wants it, and brings that about. */
  roll(deployment: Thing): Thing {
    const { name, generation } = deployment.metadata
    const { template, replicas = 1 } = deployment.spec ?? {}
    if (!template) throw new Error('a Deployment without a template')
    const own = this.setsOf(name)
    const last = Math.max(0, ...own.map(({ metadata }) => Number(metadata.annotations?.[REVISION])))
    const same = own.find(({ spec }) => JSON.stringify(spec?.template) === JSON.stringify(template))
    const revised = revisedTo(last + 1)
    const set = revised(same ?? newSet(deployment, template))
    this.put('replicasets', set)
    const isBad = template.spec.containers.some(({ image = '' }) => image.includes('broken'))
    this.put('pods', podOf(set.metadata.name, template, isBad))
    if (!isBad) setTimeout(() => this.#ready(name, set.metadata.name, replicas), READY_MS)
    const status = {
      observedGeneration: generation,
      replicas: replicas + own.length,
      updatedReplicas: replicas,
      unavailableReplicas: 1,
    }
    return this.put('deployments', revised({ ...deployment, status }))
  }

  #ready(name: string, set: string, replicas: number): void {
    const [deployment, own] = [this.get('deployments', name), this.get('replicasets', set)]
    // Another template was applied meanwhile.
    if (!deployment || JSON.stringify(own?.spec?.template) !== JSON.stringify(deployment.spec?.template)) return
    const all = { replicas, readyReplicas: replicas, availableReplicas: replicas }
    for (const one of this.setsOf(name)) {
      const isIt = one.metadata.name === set
      this.put('replicasets', {
        ...one,
        spec: { ...one.spec, replicas: isIt ? replicas : 0 },
        status: isIt ? all : { replicas: 0 },
      })
      if (!isIt) this.#things.delete(`pods/${one.metadata.name}-0`)
    }
    const status = { ...all, observedGeneration: deployment.metadata.generation, updatedReplicas: replicas }
    this.put('deployments', { ...deployment, status })
  }
}

const REVISION = 'deployment.kubernetes.io/revision'

function revisedTo(revision: number): (thing: Thing) => Thing {
  const mark = { [REVISION]: String(revision) }
  return (thing) => ({
    ...thing,
    metadata: { ...thing.metadata, annotations: { ...thing.metadata.annotations, ...mark } },
  })
}

function newSet({ metadata, spec }: Thing, template: Template): Thing {
  const { name, uid = '' } = metadata
  const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid, controller: true }
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: newMeta(`${name}-${randomBytes(4).toString('hex')}`, {
      labels: template.metadata?.labels ?? {},
      ownerReferences: [owner],
    }),
    spec: { replicas: spec?.replicas ?? 1, selector: spec?.selector, template },
    status: { replicas: 0 },
  }
}

function podOf(set: string, { metadata, spec }: Template, isBad: boolean): Thing {
  const containerStatuses = spec.containers.map(({ name, image = '' }) => ({
    name,
    image,
    imageID: '',
    ready: !isBad,
    restartCount: 0,
    state: isBad
      ? { waiting: { reason: 'ImagePullBackOff', message: `Back-off pulling image "${image}"` } }
      : { running: {} },
  }))
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: newMeta(`${set}-0`, { annotations: metadata?.annotations ?? {}, labels: metadata?.labels ?? {} }),
    spec: spec as Thing['spec'] & object,
    status: { phase: isBad ? 'Pending' : 'Running', containerStatuses },
  }
}

export function newMeta(name: string, more: Partial<Meta> = {}): Meta & { readonly creationTimestamp: string } {
  const creationTimestamp = new Date().toISOString().replace(/\.\d+/, '')
  return { name, namespace: NAMESPACE, uid: randomUUID(), generation: 1, creationTimestamp, ...more }
}
