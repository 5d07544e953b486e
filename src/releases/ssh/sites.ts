import type { Env } from '../../core/environment.ts'
import type { Environment, TargetDeps } from '../types.ts'
import { HOSTS, placeOf } from '../places.ts'
import { Backend } from './haproxy.ts'
import { Machine } from './machine.ts'
import { Remote } from './remote.ts'

const ADMIN_SOCKET = '/run/haproxy/admin.sock'

/** Where an environment is served: its containers, and what leads people to them. */
export interface Site {
  readonly machine: Machine
  readonly backend: Backend
  /** Host and backend, as rows have it. */
  readonly place: string
  /** The backend's name. */
  readonly name: string
  /** A server with its backend, as containers have it on them. */
  readonly label: (server: string) => string
}

/** The hosts that the operator names: one connection to each. */
export class Sites {
  readonly #env: Env
  readonly #dir: string
  readonly #hosts = new Map<string, { readonly remote: Remote; readonly machine: Machine }>()

  constructor({ env, dir }: Pick<TargetDeps, 'env' | 'dir'>) {
    this.#env = env
    this.#dir = dir
  }

  /** @throws UserError where the operator names none for it */
  of(environment: Pick<Environment, 'repository' | 'name'>): Site {
    const { at: host, part: name } = placeOf(HOSTS, environment, this.#env)
    const { remote, machine } = this.#host(host)
    const backend = new Backend(remote, this.#env['MUSTER_DEPLOY_HAPROXY'] || ADMIN_SOCKET, name)
    return { machine, backend, name, place: `${host}/${name}`, label: (server) => `${name}/${server}` }
  }

  #host(name: string) {
    const known = this.#hosts.get(name)
    if (known) return known
    const remote = new Remote(name, this.#env['MUSTER_DEPLOY_SSH_CONFIG'] || undefined)
    const host = { remote, machine: new Machine(remote, this.#env, this.#dir) }
    this.#hosts.set(name, host)
    return host
  }

  /** What is asked afterwards opens anew. */
  close(): void {
    for (const { remote } of this.#hosts.values()) remote.close()
    this.#hosts.clear()
  }
}
