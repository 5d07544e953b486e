// Runs in workerd, beside the modules of the releases (orchestrator.ts). MUSTER_TABLE says what there is, MUSTER_ORCHESTRATOR is the object
// that keeps which objects there are.
import { DurableObject, withEnv } from 'cloudflare:workers'

/** Which objects there are, and the release that each ran last. It is asked as any Worker may be, whatever a release's date allows. */
export class MusterOrchestrator extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env)
    ctx.storage.sql.exec(
      'create table if not exists object (kind text, id text, sha text, at integer, primary key (kind, id)) without rowid',
    )
  }

  async fetch(request) {
    if (request.method === 'GET') return Response.json(this.#standing())
    const { kind, id, sha } = await request.json()
    this.#started(kind, id, sha)
    return new Response(null, { status: 204 })
  }

  /** An object runs a release from now on. */
  #started(kind, id, sha) {
    this.ctx.storage.sql.exec(
      `insert into object values (?1, ?2, ?3, ?4) on conflict (kind, id) do update set sha = ?3, at = ?4 where sha <> ?3`,
      kind,
      id,
      sha,
      Date.now(),
    )
  }

  #standing() {
    return this.ctx.storage.sql.exec('select kind as key, sha, count(*) as objects from object group by 1, 2').toArray()
  }
}

/** FNV-1a, 32 bits: the same object is always on the same side, and one that has moved stays while the share grows. */
function sideOf(id) {
  let hash = 0x811c9dc5
  for (let nth = 0; nth < id.length; nth++) hash = Math.imul(hash ^ id.charCodeAt(nth), 0x01000193) >>> 0
  return (hash % 10_000) / 100
}

/** The release of an object: the one that leads has its share; a class that one of the two does not have is the other's. */
function releaseOf(table, name, id) {
  const { lead, kinds } = table
  const has = (release) => release !== undefined && Object.hasOwn(kinds[name].classes, release)
  const { main, beside } = lead
  const chosen = beside && sideOf(id) >= beside.percent ? beside.id : main
  if (has(chosen)) return chosen
  return [main, beside?.id, ...Object.keys(kinds[name].classes)].find(has)
}

/** Once, when it is loaded: not when the first object is asked for. */
export function mustExport(module, className) {
  if (typeof module[className] !== 'function') throw new Error(`the module exports no class ${className}`)
}

const served = new Map()

/** The class of a release, whose methods find that release's variables in `env` of `cloudflare:workers` too. */
function classOf(modules, table, release, name, env) {
  const key = `${release} ${name}`
  const known = served.get(key)
  if (known) return known
  const className = table.kinds[name].classes[release]
  const Base = modules[release][className]
  const own = variablesOf(table, release, env)
  class Served extends Base {}
  for (
    let of = Base.prototype;
    of && of !== Object.prototype && of !== DurableObject.prototype;
    of = Object.getPrototypeOf(of)
  )
    for (const method of Object.getOwnPropertyNames(of)) {
      const found = Object.getOwnPropertyDescriptor(of, method)
      if (method === 'constructor' || typeof found?.value !== 'function' || Object.hasOwn(Served.prototype, method))
        continue
      Object.defineProperty(Served.prototype, method, {
        ...found,
        value(...given) {
          return withEnv(own, () => found.value.apply(this, given))
        },
      })
    }
  const made = { Class: Served, own }
  served.set(key, made)
  return made
}

/** The class that an object is asked of: each is of the release that it is to run. */
export function kind(modules, name) {
  return class extends DurableObject {
    constructor(ctx, env) {
      super(ctx, env)
      return made(modules, name, ctx, env)
    }
  }
}

/** An object of whichever release it is to run. */
function made(modules, name, ctx, env) {
  const table = env.MUSTER_TABLE
  const id = ctx.id.toString()
  const release = releaseOf(table, name, id)
  const { Class, own } = classOf(modules, table, release, name, env)
  const object = withEnv(own, () => new Class(ctx, own))
  tell(env, ctx, { kind: table.kinds[name].key, id, sha: table.versions[release].sha })
  return object
}

/** That it is not told is no reason for an object not to work. */
function tell(env, ctx, started) {
  try {
    const told = orchestratorOf(env).fetch('http://orchestrator/', { method: 'POST', body: JSON.stringify(started) })
    ctx.waitUntil?.(told.catch(() => {}))
  } catch {
    // Nobody keeps it.
  }
}

function orchestratorOf({ MUSTER_ORCHESTRATOR: space }) {
  return space.get(space.idFromName('orchestrator'))
}

/** What a release sees in `env`. @param trace told of which release the object is that is asked first */
function variablesOf(table, release, env, trace) {
  const { vars, bindings } = table.versions[release]
  const spaces = Object.entries(bindings).map(([binding, name]) => [
    binding,
    trace ? traced(env[name], table, name, trace) : env[name],
  ])
  return { ...vars, ...Object.fromEntries(spaces) }
}

/** A namespace that says which object is asked for first, for as long as two releases share them. What it gives is what it always gives. */
function traced(space, table, name, trace) {
  const noted = (stub) => {
    trace.first ??= releaseOf(table, name, stub.id.toString())
    return stub
  }
  return new Proxy(space, {
    get(target, property) {
      if (property === 'get' || property === 'getByName') return (...given) => noted(target[property](...given))
      if (property === 'jurisdiction') return (...given) => traced(target.jurisdiction(...given), table, name, trace)
      const found = target[property]
      return typeof found === 'function' ? found.bind(target) : found
    },
  })
}

/** Answers a request by the release to which it was sent, and says whose doing the answer is. */
export async function answered(modules, request, env, ctx) {
  const table = env.MUSTER_TABLE
  const headers = new Headers(request.headers)
  const asked = headers.get('muster-release')
  headers.delete('muster-release')
  if (asked === `standing ${env.MUSTER_TOKEN}`) return orchestratorOf(env).fetch('http://orchestrator/')
  // What is served no more while somebody is still sent there: what leads answers.
  const release = asked !== null && Object.hasOwn(modules, asked) ? asked : table.lead.main
  const trace = { first: undefined, isOwnFault: false }
  const own = variablesOf(table, release, env, table.lead.beside ? trace : undefined)
  const response = await withEnv(own, () =>
    entered(modules[release].default, new Request(request, { headers }), own, ctx, trace),
  )
  // One that has become a connection has no headers any more.
  if (response.webSocket) return response
  const told = new Response(response.body, response)
  const by = (trace.isOwnFault ? undefined : trace.first) ?? release
  told.headers.set('muster-release', table.versions[by].sha)
  return told
}

/** @returns 500 where it throws: what is printed of that stands in the log alone */
async function entered(handler, request, env, ctx, trace) {
  try {
    return typeof handler === 'function'
      ? await new handler(ctx, env).fetch(request)
      : await handler.fetch(request, env, ctx)
  } catch (error) {
    // What an object has thrown says so.
    trace.isOwnFault = error?.remote !== true
    console.error(error?.stack ?? String(error))
    return new Response('the service failed\n', { status: 500, headers: { 'content-type': 'text/plain' } })
  }
}
