import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { unusedPort } from '../../rehearsal/stage.ts'
import type { CoreTarget } from '../../src/core/settings.ts'
import { type TargetBench, targetContract } from '../../src/plugin/contracts/targets.ts'
import { TARGETS } from '../../src/releases/registry.ts'
import { ENGINE, useEngine } from '../support/engine.ts'
import { cluster, HAS_KUBECTL } from '../support/cluster/server.ts'
import { podsServed, webManifest } from '../support/cluster/web.ts'
import { cloudflare } from '../support/cloudflare.ts'
import { worker } from '../support/worker.ts'
import { HAS_MINIFLARE, HAS_WRANGLER, MINIFLARE, WRANGLER } from '../support/workers.ts'
import { SANDBOX } from '../support/isolation.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { HAS_HOST, host, NO_HOST } from '../support/host.ts'
import { LABEL, makeNodeImage, NODE_IMAGE, removeImages } from '../../rehearsal/releases/containers.ts'
import { findEngine } from '../../src/workspace/container.ts'
import { targetDeps } from '../support/local.ts'
import { actionsOf } from '../support/actions.ts'
import { siteIn } from '../support/site.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'

let db: TestDatabase
let containerDb: TestDatabase
let actionsDb: TestDatabase
let sshDb: TestDatabase
let kubernetesDb: TestDatabase
let objectDb: TestDatabase
let cloudDb: TestDatabase
let shippedDb: TestDatabase
let awaitedDb: TestDatabase
const dir = mkdtempSync(join(tmpdir(), 'muster-target-'))
const port = await unusedPort()
const containerPort = await unusedPort()
const objectPort = await unusedPort()
if (ENGINE) useEngine(dir)
beforeAll(async () => {
  db = await embedded()
  containerDb = await embedded()
  actionsDb = await embedded()
  sshDb = await embedded()
  kubernetesDb = await embedded()
  objectDb = await embedded()
  cloudDb = await embedded()
  shippedDb = await embedded()
  awaitedDb = await embedded()
  if (ENGINE) makeNodeImage(ENGINE)
})
afterAll(async () => {
  await db.drop()
  await containerDb.drop()
  await actionsDb.drop()
  await sshDb.drop()
  await kubernetesDb.drop()
  await objectDb.drop()
  await cloudDb.drop()
  await edge.close()
  await shippedDb.drop()
  await awaitedDb.drop()
  await web.close()
  if (ENGINE) await removeImages(findEngine(ENGINE))
  rmSync(dir, { recursive: true, force: true })
})

const hushed = (text: string) => text.replaceAll('hush', '***')

const server = (answer: string) => ({
  'server.mjs': `import { createServer } from 'node:http'
createServer((request, response) => response.end('${answer}')).listen(Number(process.env.PORT))`,
})

/** Cloudflare, as `wrangler` asks for it. */
const edge = await cloudflare()
const FETCH = 'export default { fetch: () => new Response() }'

/** A host that is reached by SSH. */
const web = HAS_HOST ? await host() : NO_HOST

/** A cluster, and whoever serves what its pods are told to show. */
const kube = await cluster(dir)
process.env['KUBECONFIG'] = kube.kubeconfig
const pods = await podsServed(kube)
afterAll(async () => {
  pods.close()
  await kube.close()
})
const manifests = (shows: string) => ({ 'deploy/web.yaml': webManifest(shows) })

/** Where a command deploys to: a file, and somebody who serves it. */
const site = await siteIn(dir)
afterAll(() => site.close())
const deploying = (answer: string) => ({
  'deploy.mjs': `import { writeFileSync } from 'node:fs'
writeFileSync(process.env.STATE, '${answer}')
writeFileSync(process.env.STATE + '.sha', process.argv[2])`,
})

/** Where a workflow deploys to: another file, by what it is told. */
const cloud = await siteIn(mkdtempSync(join(dir, 'cloud-')))
const github = await actionsOf(dir, 'acme/shop', async ({ sha }) => {
  writeFileSync(cloud.file, sha === 'sha-of-r-5' ? 'two' : 'one')
  return 'success'
})
github.world.workflows.set('acme/shop/broken.yml', async () => 'failure')
afterAll(async () => {
  cloud.close()
  await github.close()
})

/** Where another system ships to, which hears of deployments. A commit that is no commit cannot be deployed: each has one. */
const shipped = await siteIn(mkdtempSync(join(dir, 'shipped-')))
const ships = await actionsOf(mkdtempSync(join(dir, 'ships-')), 'acme/shop', async ({ sha }) => {
  writeFileSync(shipped.file, sha === 'sha-of-r-5' ? 'two' : 'one')
  return 'success'
})
afterAll(async () => {
  shipped.close()
  await ships.close()
})

/** Where workflows deploy to that wait for Muster: each commit's has come, and waits. */
const awaited = await siteIn(mkdtempSync(join(dir, 'awaited-')))
const waits = await actionsOf(mkdtempSync(join(dir, 'waits-')), 'acme/shop', async ({ sha = '' }) => {
  if (sha === 'sha-of-r-4') return 'failure'
  writeFileSync(awaited.file, sha === 'sha-of-r-5' ? 'two' : 'one')
  return 'success'
})
for (let nth = 1; nth <= 6; nth++) await waits.waits(`sha-of-r-${nth}`)
afterAll(async () => {
  awaited.close()
  await waits.close()
})

const deps = async () => targetDeps(db, dir, { redact: hushed })

/** As an image of node and little else has it. */
const contained = (answer: string) => ({
  Dockerfile: `FROM ${NODE_IMAGE}\nLABEL ${LABEL}\nCOPY server.mjs /\nCMD ["node", "/server.mjs"]\n`,
  'server.mjs': `${server(answer)['server.mjs']}
process.on('SIGTERM', () => process.exit(0))`,
})

const CONTAINED: TargetBench['releases'] = {
  one: contained('one'),
  two: contained('two'),
  broken: { ...contained('x'), 'server.mjs': 'console.error("hush"); process.exit(3)' },
}

/** What each target is put to the test with. */
const BENCHES: Readonly<Record<CoreTarget, TargetBench>> = {
  container: {
    settings: { port: containerPort, health: '/', health_timeout: '30s', memory: '512m' },
    deps: async () =>
      targetDeps(containerDb, join(dir, 'containers'), {
        env: { MUSTER_CONTAINERS: ENGINE, MUSTER_DEPLOY_IMAGES: 'acme/shop=localhost/' },
        redact: hushed,
      }),
    fence: () => fenceOf(containerDb),
    releases: CONTAINED,
    seen: async (url) => (await fetch(url)).text(),
    shows: { one: 'one', two: 'two' },
  },
  'ssh-haproxy': {
    settings: { url: web.url, health: '/', health_timeout: '60s' },
    deps: async () =>
      targetDeps(sshDb, join(dir, 'ssh'), {
        env: {
          ...web.env,
          MUSTER_DEPLOY_HOSTS: `acme/shop:production=web1/${web.backend}`,
          MUSTER_DEPLOY_IMAGES: 'acme/shop=localhost/',
        },
        redact: hushed,
      }),
    fence: () => fenceOf(sshDb),
    releases: CONTAINED,
    seen: async (url) => (await fetch(url)).text(),
    shows: { one: 'one', two: 'two' },
  },
  'durable-objects': {
    settings: { port: objectPort, health: '/', health_timeout: '30s' },
    deps: async () => targetDeps(objectDb, join(dir, 'objects'), { env: MINIFLARE, redact: hushed }),
    fence: () => fenceOf(objectDb),
    releases: {
      one: worker('export default { fetch: () => new Response("one") }'),
      two: worker('export default { fetch: () => new Response("two") }'),
      broken: worker('console.error("hush"); throw new Error("hush")'),
    },
    seen: async (url) => (await fetch(url)).text(),
    shows: { one: 'one', two: 'two' },
  },
  cloudflare: {
    settings: { url: edge.url, health_timeout: '5s' },
    deps: async () =>
      targetDeps(cloudDb, join(dir, 'cloudflare'), {
        env: { ...WRANGLER, ...edge.env, MUSTER_DEPLOY_CLOUDFLARE: `acme/shop:production=${edge.account}/shop` },
        redact: hushed,
      }),
    fence: () => fenceOf(cloudDb),
    releases: {
      one: worker(`// shows: one\n${FETCH}`),
      two: worker(`// shows: two\n${FETCH}`),
      broken: worker(`// broken\n${FETCH}`),
    },
    seen: async (url) => (await fetch(url)).text(),
    shows: { one: 'one', two: 'two' },
  },
  kubernetes: {
    settings: { deployment: 'web', image: 'registry.example/shop:{sha}', url: pods.url, timeout: '2s' },
    deps: async () =>
      targetDeps(kubernetesDb, join(dir, 'kubernetes'), {
        sandbox: openSandbox(SANDBOX),
        env: { MUSTER_DEPLOY_CLUSTERS: 'acme/shop:production=main/shop' },
        redact: hushed,
      }),
    fence: () => fenceOf(kubernetesDb),
    releases: { one: manifests('one'), two: manifests('two'), broken: manifests('one') },
    broken: { image: 'registry.example/broken:{sha}' },
    seen: async (url) => (await fetch(url)).text(),
    shows: { one: 'one', two: 'two' },
  },
  'local-process': {
    settings: { start: 'node server.mjs', port, health_timeout: '20s' },
    deps,
    fence: () => fenceOf(db),
    releases: {
      one: server('one'),
      two: server('two'),
      broken: { 'server.mjs': 'console.error("hush"); process.exit(3)' },
    },
    seen: async (url) => (await fetch(url)).text(),
    shows: { one: 'one', two: 'two' },
  },
  'github-actions': {
    settings: { workflow: 'deploy.yml', url: cloud.url },
    deps: async () => targetDeps(actionsDb, dir, { workflows: github.runs }),
    fence: () => fenceOf(actionsDb),
    releases: { one: {}, two: {}, broken: {} },
    broken: { workflow: 'broken.yml' },
    seen: async (url) => (await fetch(url)).text(),
    shows: { one: 'one', two: 'two' },
  },
  'github-deployments': {
    settings: { url: shipped.url },
    deps: async () => targetDeps(shippedDb, dir, { shipments: ships.shipments }),
    fence: () => fenceOf(shippedDb),
    releases: { one: {}, two: {}, broken: {} },
    broken: { task: 'broken' },
    seen: async (url) => (await fetch(url)).text(),
    shows: { one: 'one', two: 'two' },
  },
  'github-environment': {
    settings: { url: awaited.url },
    deps: async () => targetDeps(awaitedDb, dir, { awaiting: waits.awaiting }),
    fence: () => fenceOf(awaitedDb),
    releases: { one: {}, two: {}, broken: {} },
    seen: async (url) => (await fetch(url)).text(),
    shows: { one: 'one', two: 'two' },
  },
  command: {
    settings: {
      deploy: ['node', 'deploy.mjs', '{sha}'],
      restore: ['node', 'deploy.mjs', '{sha}'],
      current: ['node', '-e', 'console.log(require("node:fs").readFileSync(process.env.STATE + ".sha", "utf8"))'],
      url: site.url,
      env: { STATE: site.file },
    },
    deps,
    fence: () => fenceOf(db),
    releases: {
      one: deploying('one'),
      two: deploying('two'),
      broken: { 'deploy.mjs': 'console.error("hush"); process.exit(3)' },
    },
    seen: async (url) => (await fetch(url)).text(),
    shows: { one: 'one', two: 'two' },
  },
}
/** What is not on every machine. */
const HERE: Readonly<Record<string, boolean>> = {
  container: ENGINE !== undefined,
  'ssh-haproxy': HAS_HOST,
  'durable-objects': HAS_MINIFLARE,
  cloudflare: HAS_WRANGLER,
  kubernetes: HAS_KUBECTL,
}
const benches = new Map<string, TargetBench>(Object.entries(BENCHES))

/** Every target: a new one is finished when this passes, and it has a row above. */
describe.each(TARGETS.all())('the target $name', (module) => {
  const bench = benches.get(module.name)
  if (!bench) throw new Error(`${module.name} has no bench`)
  const isHere = HERE[module.name] ?? true
  for (const { name, run } of targetContract(module, bench)) it.runIf(isHere)(name, run)
})
