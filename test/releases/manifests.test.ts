import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Document, parseAllDocuments } from 'yaml'
import { prepared } from '../../src/releases/kubernetes/manifests.ts'
import { shaServing, whyNotReady } from '../../src/releases/kubernetes/standing.ts'
import { webManifest } from '../support/cluster/web.ts'

/** What is applied. */
const itemsOf = (text: string): ReturnType<Document['toJS']>[] => JSON.parse(text).items

const WEB = { deployment: 'web', image: undefined, container: undefined }
const MARK = { sha: 'abc', release: 'r-1' }

describe('manifests', () => {
  const made = (text: string, own = {}) => prepared({ 'web.yaml': text }, { ...WEB, ...own }, MARK)

  it('say on the Deployment and its pods which release they are of, and which image runs', () => {
    const [deployment, service] = itemsOf(made(webManifest('one'), { image: 'registry/shop:{sha}' }))
    const annotations = { 'muster.dev/sha': 'abc', 'muster.dev/release': 'r-1' }
    expect(deployment).toMatchObject({
      metadata: { name: 'web', annotations },
      spec: {
        template: {
          metadata: { labels: { app: 'web' }, annotations },
          spec: { containers: [{ name: 'web', image: 'registry/shop:abc' }] },
        },
      },
    })
    expect(service.metadata).toEqual({ name: 'web' })
  })

  const two = webManifest('one').replace('containers:\n', 'containers:\n        - { name: side, image: side }\n')
  it.each([
    ['no Deployment of that name', webManifest('one'), { deployment: 'other' }, 'have no Deployment `other`'],
    ['two of them', `${webManifest('one')}---\n${webManifest('two')}`, {}, 'more than one Deployment'],
    ['several containers, and one image', two, { image: 'x:{sha}' }, '`container` does not say which'],
    ['a container that is not there', two, { image: 'x:{sha}', container: 'web2' }, 'no container `web2`'],
    ['no YAML', 'a: [', {}, '`web.yaml` is no YAML'],
    ['something else', 'just words', {}, 'that is no manifest'],
    [
      'a Deployment without pods',
      'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }',
      {},
      'no containers',
    ],
    ['more in little than anybody reads', bomb(), {}, 'Excessive alias count'],
  ])('with %s are refused, and it is said why', (_, text, own, what) => {
    expect(() => made(text, own)).toThrow(what)
  })

  it('are read as kubectl reads them, and applied as they were meant', () => {
    const config = `apiVersion: v1
kind: ConfigMap
metadata: { name: c, annotations: }
data: { mode: "0400", "yes": "yes", day: "2020-01-01", big: "1_000" }
---
apiVersion: v1
kind: Pod
metadata: { name: p }
spec: { volumes: [{ name: s, secret: { defaultMode: 0400 } }], on: yes, day: 2020-01-01 }
`
    const [data, pod] = itemsOf(made(`${config}---\n${webManifest('one')}`))
    expect(data.data).toEqual({ mode: '0400', yes: 'yes', day: '2020-01-01', big: '1_000' })
    expect(pod.spec).toMatchObject({ volumes: [{ secret: { defaultMode: 256 } }], true: true, day: '2020-01-01' })
  })

  it('may be a list', () => {
    const [first] = webManifest('one').split('---')
    const list = { apiVersion: 'v1', kind: 'List', items: [parseAllDocuments(first ?? '')[0]?.toJS()] }
    expect(made(JSON.stringify(list))).toContain('"muster.dev/sha":"abc"')
  })

  const name = fc.stringMatching(/^[a-z][a-z\d-]{0,10}[a-z]$/)
  it('change nothing but the one Deployment, whatever else there is', () => {
    const names = fc.uniqueArray(name, { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(names, fc.nat(), (all, nth) => {
        const texts = all.map(
          (one) => webManifest('x').split('---')[0]?.replace('{ name: web }', `{ name: "${one}" }`) ?? '',
        )
        const own = all[nth % all.length] ?? ''
        const read = (text: string) => parseAllDocuments(text).map((one) => one.toJS())
        const [before, after] = [read(texts.join('---\n')), itemsOf(made(texts.join('---\n'), { deployment: own }))]
        expect(after.length).toBe(before.length)
        after.forEach((one, index) => {
          if (one.metadata.name === own) expect(one.spec.template.metadata.annotations['muster.dev/sha']).toBe('abc')
          else expect(one).toEqual(before[index])
        })
      }),
    )
  })
})

describe('what a cluster says', () => {
  const set = (sha: string, readyReplicas: number, owner = 'web') => ({
    metadata: { ownerReferences: [{ kind: 'Deployment', name: owner }] },
    spec: { template: { metadata: { annotations: { 'muster.dev/sha': sha } } } },
    status: { readyReplicas },
  })

  it('is live is what most of the pods are of that are ready', () => {
    expect(shaServing({ items: [set('old', 2), set('new', 1), set('other', 9, 'else')] }, 'web')).toBe('old')
    expect(shaServing({ items: [set('old', 0), set('new', 0)] }, 'web')).toBeUndefined()
    expect(shaServing({ items: [] }, 'web')).toBeUndefined()
  })

  it('of pods that are not ready is told once each, those of this release alone', () => {
    const pod = (release: string, status: object) => ({
      metadata: { name: 'p', annotations: { 'muster.dev/release': release } },
      status,
    })
    const crashing = { containerStatuses: [{ name: 'web', state: { waiting: { reason: 'CrashLoopBackOff' } } }] }
    const full = { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes are available' }] }
    const items = [pod('new', crashing), pod('new', crashing), pod('new', full), pod('old', crashing)]
    expect(whyNotReady({ items }, 'new')).toEqual(['web: CrashLoopBackOff', '0/3 nodes are available'])
  })
})

/** Each alias stands for nine of the one before. */
function bomb(): string {
  const rows = Array.from({ length: 9 }, (_, nth) => {
    const before = nth === 0 ? '"x"' : `*a${nth - 1}`
    return `a${nth}: &a${nth} [${Array.from({ length: 9 }, () => before).join(', ')}]`
  })
  return `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n${rows.join('\n')}\n`
}
