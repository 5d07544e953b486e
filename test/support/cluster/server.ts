import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { parse } from 'yaml'
import { findProgram } from '../../../src/workspace/programs.ts'
import { checker } from './description.ts'
import { NAMESPACE, newMeta, type Template, type Thing, Things } from './things.ts'

/** Whether there is a kubectl. */
export const HAS_KUBECTL = findProgram('kubectl') !== undefined
if (!HAS_KUBECTL) process.stderr.write('skipped: what needs kubectl\n')

/**
 * A server that stands for a cluster's: what kubectl asks of it. Whatever goes over the wire is checked against Kubernetes' own
 * description; an unknown field is refused, as the real one does where it is told to apply.
 */
export interface Cluster {
  /** A file of kubectl's settings, with the context `main`. */
  readonly kubeconfig: string
  /** What was said that the description does not have. */
  readonly violations: string[]
  /** `apply kind/name` or `undo kind/name`, as it was asked for. */
  readonly changes: string[]
  readonly things: Things
  /** The template of the pods that are ready. */
  serving(name: string): Template | undefined
  /** Refuses everything, or does no more. */
  refuse(isOn: boolean): void
  close(): Promise<void>
}

const KINDS: Readonly<Record<string, readonly [group: string, kind: string, definition: string]>> = {
  deployments: ['apps/v1', 'Deployment', 'io.k8s.api.apps.v1.Deployment'],
  replicasets: ['apps/v1', 'ReplicaSet', 'io.k8s.api.apps.v1.ReplicaSet'],
  pods: ['v1', 'Pod', 'io.k8s.api.core.v1.Pod'],
  services: ['v1', 'Service', 'io.k8s.api.core.v1.Service'],
  configmaps: ['v1', 'ConfigMap', 'io.k8s.api.core.v1.ConfigMap'],
}
const PATH = /^\/(?:api\/v1|apis\/apps\/v1)\/namespaces\/([^/]+)\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/

export async function cluster(dir: string): Promise<Cluster> {
  const watchers = new Set<{ readonly prefix: string; readonly response: ServerResponse }>()
  const [violations, changes]: [string[], string[]] = [[], []]
  const check = checker(violations)
  let isRefusing = false
  const things = new Things((path, type, object) => {
    for (const { prefix, response } of watchers)
      if (path.startsWith(prefix)) response.write(`${JSON.stringify({ type, object })}\n`)
  })

  function apply(kind: string, name: string, body: Thing, isDry: boolean, response: ServerResponse): void {
    const [, word = '', definition = ''] = KINDS[kind] ?? []
    const wrong = check.unknown(definition, body)
    const what = `${NAMESPACE}/${name}; ${body.apiVersion}, Kind=${word}`
    if (wrong) return failed(response, 400, 'BadRequest', `failed to create typed patch object (${what}): ${wrong}`)
    const before = things.get(kind, name)
    const isSame = before && JSON.stringify([before.spec, before.data]) === JSON.stringify([body.spec, body.data])
    const generation = (before?.metadata.generation ?? 0) + (isSame ? 0 : 1)
    // What is wanted no more goes: nobody else has ever wanted anything of it.
    const { annotations: _, labels: __, ...known } = before?.metadata ?? {}
    const metadata = { ...newMeta(name), ...known, ...body.metadata, namespace: NAMESPACE, generation }
    const thing = { ...body, metadata, ...(before?.status ? { status: before.status } : {}) }
    if (isDry) return answer(response, before ? 200 : 201, thing)
    changes.push(`apply ${kind}/${name}`)
    const put = kind === 'deployments' && !isSame ? things.roll(thing) : things.put(kind, thing)
    answer(response, before ? 200 : 201, put)
  }

  function undo(
    known: Thing,
    patch: readonly { readonly path: string; readonly value: Template }[],
    response: ServerResponse,
  ): void {
    changes.push(`undo deployments/${known.metadata.name}`)
    const wanted = patch.find(({ path }) => path === '/spec/template')?.value
    // What is null there is nothing.
    const template: Template | undefined =
      wanted && JSON.parse(JSON.stringify(wanted, (_, value: unknown) => value ?? undefined))
    const generation = (known.metadata.generation ?? 0) + 1
    const spec = { ...known.spec, ...(template ? { template } : {}) }
    answer(response, 200, things.roll({ ...known, metadata: { ...known.metadata, generation }, spec }))
  }

  function list(kind: string, query: URLSearchParams, response: ServerResponse): void {
    const name = /^metadata\.name=(.+)$/.exec(query.get('fieldSelector') ?? '')?.[1]
    if (query.get('watch')) {
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
      const watcher = { prefix: `${kind}/${name ?? ''}`, response }
      watchers.add(watcher)
      response.on('close', () => watchers.delete(watcher))
      return
    }
    const [group = '', word = ''] = KINDS[kind] ?? []
    const items = things.of(kind).filter(({ metadata }) => name === undefined || metadata.name === name)
    answer(response, 200, {
      kind: `${word}List`,
      apiVersion: group,
      metadata: { resourceVersion: String(things.version) },
      items,
    })
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://cluster')
    const { method = '' } = request
    const discovered = DISCOVERY[pathname]
    if (discovered) return answer(response, 200, discovered)
    const [, space, kind = '', name, sub] = PATH.exec(pathname) ?? []
    if (isRefusing || (KINDS[kind] && space !== NAMESPACE))
      return failed(
        response,
        403,
        'Forbidden',
        `${kind} is forbidden: User "muster" cannot do that in the namespace "${space}"`,
      )
    if (!KINDS[kind]) return failed(response, 404, 'NotFound', 'the server could not find the requested resource')
    if (method === 'GET' && name === undefined) return list(kind, searchParams, response)
    if (method === 'GET' && sub === 'log')
      return void response.writeHead(200, { 'content-type': 'text/plain' }).end('started with hush\n')
    const known = things.get(kind, name ?? '')
    if (method === 'GET')
      return known ? answer(response, 200, known) : failed(response, 404, 'NotFound', `${kind} "${name}" not found`)
    const type = request.headers['content-type'] ?? ''
    const body: unknown = parse(await bodyOf(request))
    if (method === 'PATCH' && type.startsWith('application/apply-patch+yaml'))
      return apply(kind, name ?? '', body as Thing, searchParams.get('dryRun') === 'All', response)
    if (method === 'PATCH' && known && Array.isArray(body)) return undo(known, body, response)
    failed(response, 405, 'MethodNotAllowed', 'no such thing here')
  }

  const server = createServer((request, response) => {
    check.watch(request, response)
    handle(request, response).catch((error: unknown) => {
      violations.push(String(error))
      response.destroy()
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const kubeconfig = join(dir, 'kubeconfig')
  writeFileSync(kubeconfig, kubeconfigOf((server.address() as AddressInfo).port))
  return {
    kubeconfig,
    violations,
    changes,
    things,
    serving: (name) => things.setsOf(name).find(({ status }) => (status?.readyReplicas ?? 0) > 0)?.spec?.template,
    refuse: (isOn) => void (isRefusing = isOn),
    close: () => {
      server.closeAllConnections()
      return new Promise((done) => server.close(() => done()))
    },
  }
}

function answer(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function failed(response: ServerResponse, code: number, reason: string, message: string): void {
  answer(response, code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code })
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}

function kubeconfigOf(port: number): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'main', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'muster', user: {} }],
    contexts: [{ name: 'main', context: { cluster: 'main', user: 'muster', namespace: 'default' } }],
    'current-context': '',
  })
}

function resource(name: string, kind: string) {
  return { name, singularName: '', namespaced: true, kind, verbs: ['get', 'list', 'patch', 'watch', 'create'] }
}

const NOTHING = { gitCommit: '', gitTreeState: '', buildDate: '', goVersion: '', compiler: '', platform: '' }
const APPS = { groupVersion: 'apps/v1', version: 'v1' }
const DISCOVERY: Readonly<Record<string, unknown>> = {
  '/version': { major: '1', minor: '20', gitVersion: 'v1.20.2', ...NOTHING },
  '/api': { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] },
  '/apis': {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: [{ name: 'apps', versions: [APPS], preferredVersion: APPS }],
  },
  '/api/v1': {
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: [resource('pods', 'Pod'), resource('services', 'Service'), resource('configmaps', 'ConfigMap')],
  },
  '/apis/apps/v1': {
    kind: 'APIResourceList',
    groupVersion: 'apps/v1',
    resources: [resource('deployments', 'Deployment'), resource('replicasets', 'ReplicaSet')],
  },
}
