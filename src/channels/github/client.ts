import { createAppAuth } from '@octokit/auth-app'
import { Octokit as Core } from '@octokit/core'
import { paginateRest } from '@octokit/plugin-paginate-rest'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Repository } from '../../core/task/types.ts'
import { Lost } from '../../leases/types.ts'
import { SendError } from '../types.ts'
import { crashPoint } from '../../telemetry/crash.ts'

const Octokit = Core.plugin(paginateRest)
type Octokit = InstanceType<typeof Octokit>

/** What a token may do; asked for anew for each purpose, never more than that purpose needs. */
export type Permissions = Readonly<Record<string, 'read' | 'write'>>

/** GitHub as the app, and as its installation on one repository. */
export interface GithubClient {
  readonly app: Octokit
  /** A client whose token reaches one repository with these permissions only. */
  on(repository: Pick<Repository, 'installationId' | 'id'>, permissions: Permissions): Promise<Octokit>
  /** The same token by itself, for git. */
  token(repository: Pick<Repository, 'installationId' | 'id'>, permissions: Permissions): Promise<string>
  /** A client for another repository of the same installation, by name. */
  onNamed(installationId: number, name: string, permissions: Permissions): Promise<Octokit>
  /** A client for whatever an installation may see of accounts; reaches no repository's contents. */
  onInstallation(installationId: number, permissions?: Permissions): Promise<Octokit>
  readonly apiUrl: string
  readonly serverUrl: string
}

const USER_AGENT = 'muster'

const writeGuard = new AsyncLocalStorage<() => void>()

/** Every request inside that changes something asks this first, at the last moment before it leaves. */
export function beforeWrites<T>(guard: () => void, action: () => Promise<T>): Promise<T> {
  return writeGuard.run(guard, action)
}

/** How long an answer may take, its body included. Octokit reads no setting for that. */
const REQUEST_MS = 30_000

function patiently(timeoutMs: number): typeof fetch {
  return async (input, init) => {
    const limit = AbortSignal.timeout(timeoutMs)
    const signal = init?.signal ? AbortSignal.any([init.signal, limit]) : limit
    const response = await guardedFetch(input, { ...init, signal })
    // A body that breaks off would be an empty one to Octokit, and so an answer.
    await response.clone().arrayBuffer()
    return response
  }
}

const guardedFetch: typeof fetch = async (input, init) => {
  const url = input instanceof Request ? input.url : input.toString()
  const writes = init?.method !== undefined && init.method !== 'GET' && !url.endsWith('/access_tokens')
  if (!writes) return fetch(input, init)
  writeGuard.getStore()?.()
  const response = await fetch(input, init)
  crashPoint('request-sent')
  return response
}

/** A refusal of the guard, however Octokit wrapped it. */
export function refusalIn(error: unknown): Lost | SendError | undefined {
  for (let inner = error; inner instanceof Error; inner = inner.cause)
    if (inner instanceof Lost || inner instanceof SendError) return inner
  return undefined
}

export interface ClientOptions {
  readonly appId: string
  readonly privateKey: string
  readonly apiUrl: string
  readonly serverUrl: string
  readonly timeoutMs?: number
}

/** Builds a client. Tokens live an hour and are kept by auth-app until shortly before their end. */
export function githubClient(options: ClientOptions): GithubClient {
  const { appId, privateKey, apiUrl, serverUrl, timeoutMs = REQUEST_MS } = options
  const plain = { baseUrl: apiUrl, userAgent: USER_AGENT, request: { fetch: patiently(timeoutMs) } }
  const app = new Octokit({ ...plain, authStrategy: createAppAuth, auth: { appId, privateKey } })
  const auth = createAppAuth({ appId, privateKey, request: app.request.defaults({ baseUrl: apiUrl }) })
  const mint = async (
    installationId: number,
    permissions: Permissions,
    scope: { repositoryIds?: number[]; repositoryNames?: string[] },
  ) => (await auth({ type: 'installation', installationId, permissions: { ...permissions }, ...scope })).token
  const token: GithubClient['token'] = ({ installationId, id }, permissions) =>
    mint(installationId, permissions, { repositoryIds: [id] })
  return {
    app,
    apiUrl,
    serverUrl,
    token,
    on: async (repository, permissions) => new Octokit({ ...plain, auth: await token(repository, permissions) }),
    onInstallation: async (installationId, permissions = { metadata: 'read' }) =>
      new Octokit({ ...plain, auth: await mint(installationId, permissions, {}) }),
    onNamed: async (installationId, name, permissions) =>
      new Octokit({ ...plain, auth: await mint(installationId, permissions, { repositoryNames: [name] }) }),
  }
}

/** The HTTP status of an error that Octokit threw; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error &&
    'status' in error &&
    typeof error.status === 'number' &&
    'response' in error &&
    error.response !== undefined
    ? error.status
    : undefined
}

/** Ids come typed as 64-bit; GitHub's stay far below 2^53, and runtime JSON makes them numbers anyway. */
export function idOf(id: number | bigint): number {
  return Number(id)
}

/** GitHub as anybody sees it. */
export function anonymous({ apiUrl }: Pick<GithubClient, 'apiUrl'>): Octokit {
  return new Octokit({ baseUrl: apiUrl, userAgent: USER_AGENT, request: { fetch: patiently(REQUEST_MS) } })
}
