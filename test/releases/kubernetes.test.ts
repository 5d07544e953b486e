import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { Unwanted } from '../../src/leases/types.ts'
import { kubernetes } from '../../src/releases/kubernetes/module.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import type { Environment, Target } from '../../src/releases/types.ts'
import { type Cluster, cluster, HAS_KUBECTL } from '../support/cluster/server.ts'
import { newMeta } from '../support/cluster/things.ts'
import { podsServed, webManifest } from '../support/cluster/web.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'
import { SANDBOX } from '../support/isolation.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { targetDeps } from '../support/local.ts'

describe.runIf(HAS_KUBECTL)('a Deployment in a cluster', () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-kubernetes-'))
  const own = process.env['KUBECONFIG']
  let db: TestDatabase
  let kube: Cluster
  let pods: Awaited<ReturnType<typeof podsServed>>
  let target: Target
  const env = {
    MUSTER_DEPLOY_CLUSTERS:
      'acme/x:production=main/shop, acme/x:elsewhere=main/other, acme/x:gone=nowhere/shop, acme/x:elsewise=main/shop',
  }

  beforeAll(async () => {
    db = await embedded()
    kube = await cluster(dir)
    process.env['KUBECONFIG'] = kube.kubeconfig
    pods = await podsServed(kube)
    target = await make()
  })
  afterAll(async () => {
    if (own === undefined) delete process.env['KUBECONFIG']
    else process.env['KUBECONFIG'] = own
    pods.close()
    await kube.close()
    await db.drop()
    rmSync(dir, { recursive: true, force: true })
  })

  const make = async () => kubernetes.open(targetDeps(db, dir, { env, sandbox: openSandbox(SANDBOX) }))

  const at = (more: Record<string, unknown> = {}, name = 'production'): Environment => {
    const file = {
      target: 'kubernetes',
      deployment: 'web',
      image: 'registry/shop:{sha}',
      url: pods.url,
      timeout: '3s',
      ...more,
    }
    return { repository: 'acme/x', name, settings: kubernetes.settings.parse(file) }
  }
  const input = async (
    id: string,
    files: Record<string, string>,
    environment = at(),
    signal = new AbortController().signal,
  ) => ({
    environment,
    signal,
    releaseId: id,
    taskId: 't',
    sha: `sha-${id}`,
    mayAct: () => {},
    fence: await fenceOf(db, 'env:acme/x:production'),
    tools: async () => NO_TOOLS,
    unpack: async (to: string) => {
      for (const [file, text] of Object.entries(files)) {
        mkdirSync(dirname(join(to, file)), { recursive: true })
        if (text.startsWith('->')) symlinkSync(text.slice(2), join(to, file))
        else writeFileSync(join(to, file), text)
      }
    },
  })
  const deploy = async (...how: Parameters<typeof input>) => target.apply(await input(...how))
  const seen = async () => (await fetch(pods.url)).text()
  let nth = 0
  const kubeUrl = () => pods.url
  const notThere = (): never => {
    throw new Error('there is no Deployment')
  }
  const plain = (shows: string) => ({ 'deploy/web.yaml': webManifest(shows) })

  it('says before anybody approves it what the cluster would do, and does nothing of it', async () => {
    const said = await target.preflight?.(await input('p-1', plain('one')))
    expect(said).toEqual(['make Deployment web', 'make Service web'])
    expect(kube.changes).toEqual([])
  })

  it('is rolled out, from files or from what Kustomize builds', async () => {
    await deploy('a-1', plain('one'))
    expect([await seen(), await target.current(at())]).toEqual(['one', 'sha-a-1'])
    expect(kube.serving('web')?.spec.containers[0]?.image).toBe('registry/shop:sha-a-1')
    expect(await target.log('a-1')).toContain('started with')
    await deploy('a-2', {
      'deploy/base/web.yaml': webManifest('two'),
      'deploy/base/kustomization.yaml': 'resources: [web.yaml]',
      'deploy/kustomization.yaml': 'resources: [base]\ncommonAnnotations: { team: shop }',
    })
    expect([await seen(), await target.current(at())]).toEqual(['two', 'sha-a-2'])
    expect(kube.things.get('services', 'web')?.metadata.annotations).toEqual({ team: 'shop' })
    const said = await target.preflight?.(await input('a-3', plain('three')))
    expect(said).toEqual([
      expect.stringMatching(/^change Deployment web \(\+\d+ −\d+ lines\)$/),
      expect.stringContaining('change Service web'),
    ])
  })

  it.each([
    [
      'a field that there is none of',
      plain('x'),
      { 'deploy/more.yaml': 'apiVersion: v1\nkind: Service\nmetadata: { name: web2 }\nspec: { prots: [] }' },
      'field not declared in schema',
    ],
    [
      'another namespace',
      { 'deploy/web.yaml': webManifest('x').replace('{ name: web }', '{ name: web, namespace: kube-system }') },
      {},
      'does not match the namespace',
    ],
    ['a link out of the commit', { deploy: '->/etc' }, {}, 'leads out of this commit'],
    ['nothing', { 'README.md': 'x' }, {}, 'There is no `deploy` in this commit'],
    ['a chart where there is no Helm', { 'deploy/Chart.yaml': 'name: x' }, {}, '`helm` is not on this machine'],
    [
      'what Kustomize cannot build',
      { 'deploy/kustomization.yaml': 'resources: [../../../etc/passwd]' },
      {},
      'The manifests cannot be built',
    ],
  ])('with %s is refused before anything is changed', async (_, files, more, what) => {
    const changes = [...kube.changes]
    const id = `b-${++nth}`
    await expect(deploy(id, { ...files, ...more })).rejects.toThrow(what)
    await expect(target.preflight?.(await input(id, { ...files, ...more }))).rejects.toThrow(what)
    expect(kube.changes).toEqual(changes)
    expect(await target.observe(id)).toMatchObject({ state: 'failed', error: expect.stringContaining(what) })
    expect(await seen()).toBe('two')
  })

  it('whose pods do not come up is taken back, all of what it applied, and it is said what they say', async () => {
    const broken = at({ image: 'registry/broken:{sha}' })
    const files = { 'deploy/web.yaml': webManifest('x').replace('ports: [{ port: 80 }]', 'ports: [{ port: 81 }]') }
    await expect(deploy('c-1', files, broken)).rejects.toThrow(
      /did not come to its end within 3 s: web: ImagePullBackOff, Back-off pulling/,
    )
    expect([await seen(), await target.current(at())]).toEqual(['two', 'sha-a-2'])
    expect(kube.things.get('services', 'web')?.spec).toMatchObject({ ports: [{ port: 80 }] })
    expect(await target.log('c-1')).toContain('started with')
  })

  it('is brought back by the cluster itself where the manifests before are not kept', async () => {
    rmSync(join(dir, 'releases', 'a-2'), { recursive: true })
    await expect(deploy('c-2', plain('x'), at({ image: 'registry/broken:{sha}' }))).rejects.toThrow('ImagePullBackOff')
    expect(kube.changes.at(-1)).toBe('undo deployments/web')
    expect(await target.observe('c-2')).toMatchObject({
      state: 'failed',
      error: expect.not.stringContaining('failed as well'),
    })
    await expect.poll(async () => target.current(at())).toBe('sha-a-2')
    expect((await target.restorable?.(at()))?.map(({ releaseId }) => releaseId)).toEqual(['a-1'])
  })

  it('is gone on with by whoever comes next, and taken back where nobody wants it any more', async () => {
    const [stopped, unwanted] = [new AbortController(), new AbortController()]
    const begun = deploy('d-1', plain('three'), at({ image: 'registry/broken:{sha}', timeout: '60s' }), stopped.signal)
    await expect
      .poll(() => kube.things.get('deployments', 'web')?.metadata.annotations?.['muster.dev/release'])
      .toBe('d-1')
    stopped.abort(new Error('this process ends'))
    await expect(begun).rejects.toThrow('this process ends')
    expect(await target.observe('d-1')).toEqual({ state: 'begun' })
    expect(await target.current(at())).toBe('sha-a-2')
    const again = deploy('d-1', plain('three'), at({ timeout: '60s' }), unwanted.signal)
    await new Promise((done) => setTimeout(done, 1000))
    unwanted.abort(new Unwanted('cancelled'))
    await expect(again).rejects.toThrow('cancelled')
    expect((await target.observe('d-1')).state).toBe('failed')
    await expect.poll(async () => target.current(at())).toBe('sha-a-2')
  })

  it('builds nothing that is elsewhere, and runs nothing that a commit says', async () => {
    const marker = join(dir, 'ran')
    const hostile = (resource: string) => ({
      'deploy/kustomization.yaml': `resources: ["${resource}"]`,
      'deploy/.gitconfig': `[core]\n\tsshCommand = sh -c 'touch ${marker}' #\n`,
      '.gitconfig': `[core]\n\tsshCommand = sh -c 'touch ${marker}' #\n`,
    })
    for (const resource of [
      'ssh://git@localhost/x/y.git//base?ref=main',
      `file://${dir}/x.git//base?ref=main`,
      `${kubeUrl()}/version`,
    ])
      await expect(target.preflight?.(await input('p-2', hostile(resource)))).rejects.toThrow('cannot be built')
    expect(existsSync(marker)).toBe(false)
  })

  it('refuses what it cannot take whole', async () => {
    const big = { 'deploy/big.yaml': `# ${'x'.repeat(2_100_000)}\n` }
    await expect(deploy('q-1', { ...plain('x'), ...big })).rejects.toThrow('larger than is taken')
    await expect(deploy('q-2', { ...plain('x'), 'deploy/linked.yaml': '->/etc/hostname' })).rejects.toThrow(
      'links are not followed',
    )
    expect(
      await target.preflight?.(await input('q-3', plain('one'), at({ manifests: 'deploy/web.yaml' }))),
    ).toBeDefined()
  })

  it('whose pods all died is live all the same: what is broken is what is left', async () => {
    const live = await target.current(at())
    for (const set of kube.things.setsOf('web'))
      kube.things.put('replicasets', { ...set, status: { readyReplicas: 0 } })
    expect(await target.current(at())).toBe(live)
    kube.things.roll(kube.things.get('deployments', 'web') ?? notThere())
    await expect.poll(seen).toBe('two')
  })

  it('is gone back to though the process ended right before that was written down', async () => {
    await deploy('r-1', plain('good'))
    await deploy('r-2', plain('BAD'))
    const dying = new Error('the process ends')
    const store = db.storage.store.releases
    const cut: typeof store = {
      ...store,
      live: store.live.bind(store),
      goLive: async (row, ...more) => {
        await store.goLive(row, ...more)
        throw dying
      },
    }
    const dies = await kubernetes.open(targetDeps(db, dir, { env, store: cut, sandbox: openSandbox(SANDBOX) }))
    await expect(dies.restore?.({ ...(await input('', {})), releaseId: 'r-1' })).rejects.toThrow('the process ends')
    await target.restore?.({ ...(await input('', {})), releaseId: 'r-1' })
    await expect(deploy('r-3', plain('x'), at({ image: 'registry/broken:{sha}' }))).rejects.toThrow('ImagePullBackOff')
    expect([await seen(), await target.current(at())]).toEqual(['good', 'sha-r-1'])
  })

  it('goes back to what it keeps, as that was', async () => {
    await target.restore?.({ ...(await input('', {})), releaseId: 'r-2' })
    expect([await seen(), await target.current(at())]).toEqual(['BAD', 'sha-r-2'])
  })

  it('leaves what Muster has not put there as it was', async () => {
    await kube.close()
    kube = await cluster(dir)
    pods.close()
    pods = await podsServed(kube)
    const [legacy] = parseAllDocuments(webManifest('legacy')).map((one) => one.toJS())
    kube.things.roll({ ...legacy, metadata: { ...newMeta('web'), ...legacy.metadata } })
    await expect.poll(seen).toBe('legacy')
    const other = { ...at({ image: 'registry/broken:{sha}' }), name: 'elsewise' }
    await expect(deploy('s-1', plain('x'), other)).rejects.toThrow('ImagePullBackOff')
    await expect
      .poll(() => kube.things.get('deployments', 'web')?.spec?.template?.spec.containers[0]?.image)
      .toBe('registry.example/shop:latest')
    expect(await seen()).toBe('legacy')
  })

  it.each([
    ['a namespace that it may not use', 'elsewhere', 'cannot do that in the namespace'],
    ['a context that kubectl does not have', 'gone', 'context "nowhere" does not exist'],
    ['an environment that the operator has put nowhere', 'nobody', 'Nobody has set where `nobody` of acme/x is served'],
  ])('says what is wrong with %s', async (_, name, what) => {
    await expect(target.current(at({}, name))).rejects.toThrow(what)
  })

  it('says so where the cluster refuses, and changes nothing', async () => {
    kube.refuse(true)
    await expect(deploy('e-1', plain('x'))).rejects.toThrow('The cluster did not do it')
    kube.refuse(false)
    expect(await seen()).toBe('legacy')
  })

  it('was spoken of as Kubernetes describes it', () => {
    expect(kube.violations).toEqual([])
  })
})
