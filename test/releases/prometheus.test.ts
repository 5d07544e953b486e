import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NO_TRAFFIC, tallied } from '../../src/core/traffic.ts'
import { allowedMetrics, countedBy, metricsSecrets } from '../../src/releases/prometheus/client.ts'
import { increases, samplesOf, type Series } from '../../src/releases/prometheus/counters.ts'
import { local } from '../../src/releases/local/module.ts'
import { HAS_PROMETHEUS, type Prometheus, prometheus } from '../support/prometheus.ts'

/** A counter by second. */
const series = (values: readonly (readonly [number, number])[], metric: Record<string, string> = {}): Series => ({
  metric,
  values,
})
const grown = (all: readonly Series[], from: number, to: number) =>
  increases(all, from * 1000, to * 1000).reduce((sum, { count }) => sum + count, 0)

describe('counters as they were scraped', () => {
  it('grew by what they did, and by no more', () => {
    expect(
      grown(
        [
          series([
            [0, 5],
            [10, 8],
            [20, 8],
            [30, 20],
          ]),
        ],
        0,
        30,
      ),
    ).toBe(15)
    expect(
      grown(
        [
          series([
            [0, 5],
            [10, 8],
            [20, 8],
            [30, 20],
          ]),
        ],
        10,
        29,
      ),
    ).toBe(0)
  })

  it('count what came after they began anew', () => {
    expect(
      grown(
        [
          series([
            [0, 100],
            [10, 3],
            [20, 4],
          ]),
        ],
        0,
        20,
      ),
    ).toBe(4)
  })

  it('count a new one from nothing, but not where nobody was scraping before', () => {
    const old = series([
      [0, 50],
      [10, 51],
      [20, 52],
    ])
    expect(
      grown(
        [
          old,
          series([
            [10, 7],
            [20, 9],
          ]),
        ],
        0,
        20,
      ),
    ).toBe(2 + 9)
    expect(
      grown(
        [
          series([
            [10, 1000],
            [20, 1001],
          ]),
        ],
        0,
        20,
      ),
    ).toBe(1)
  })

  it('come to the same however the span is cut', () => {
    const steps = fc.array(fc.tuple(fc.nat(50), fc.boolean()), { minLength: 3, maxLength: 40 })
    fc.assert(
      fc.property(steps, fc.nat(), (all, cut) => {
        let value = 0
        const values = all.map(([more, isAnew], nth): [number, number] => [nth, (value = isAnew ? more : value + more)])
        const one = [series(values)]
        const end = all.length
        const middle = cut % end
        expect(grown(one, 0, middle) + grown(one, middle, end)).toBe(grown(one, 0, end))
      }),
    )
  })

  it('are one sample for each scrape; a histogram says how many took how long', () => {
    const at = (value: number, le: string) =>
      series(
        [
          [0, 0],
          [10, value],
        ],
        { le },
      )
    const latency = [at(10, '0.1'), at(15, '0.5'), at(16, '+Inf')]
    const [sample] = samplesOf(
      {
        requests: [
          series([
            [0, 0],
            [10, 16],
          ]),
        ],
        errors: [
          series([
            [0, 0],
            [10, 20],
          ]),
        ],
        latency,
      },
      0,
      10_000,
    )
    expect(sample).toMatchObject({ at: 10_000, requests: 16, errors: 16, failures: { status: 16 } })
    expect(new Set(Object.values(sample?.latency ?? {}))).toEqual(new Set([10, 5, 1]))
  })
})

describe('whose metrics are read', () => {
  const env = { MUSTER_DEPLOY_PROMETHEUS: 'Acme/shop:production=https://me:p%40ss@prometheus.example/base' }

  it('is what the operator says; its password is no word of anybody’s', () => {
    expect(allowedMetrics(env)?.[0]).toMatchObject({ repository: 'acme/shop', environment: 'production' })
    expect(metricsSecrets(env)).toEqual(['p@ss'])
    expect(allowedMetrics({ MUSTER_DEPLOY_PROMETHEUS: 'acme/shop=http://x' })).toBeUndefined()
    expect(allowedMetrics({ MUSTER_DEPLOY_PROMETHEUS: 'acme/shop:production=file:///etc/passwd' })).toBeUndefined()
  })

  it.each([
    ['up', true],
    ['http_requests_total{app="shop",code=~"5.."}', true],
    ['sum(http_requests_total)', false],
    ['up or vector(1)', false],
    ['up{a="}"}[5m]) or (up{b="', false],
    ['up[5m]', false],
  ])('is asked for %s: %s', (requests, isTaken) => {
    const file = { start: 'x', port: 80, prometheus: { requests, errors: 'up' } }
    expect(local.settings.safeParse(file).success).toBe(isTaken)
  })
})

describe.runIf(HAS_PROMETHEUS)('a real Prometheus', () => {
  let real: Prometheus
  beforeAll(async () => {
    real = await prometheus()
  })
  afterAll(() => real.close())

  const counts = (requests: number, errors: number) => `# TYPE http_requests_total counter
http_requests_total{app="shop",code="200"} ${requests - errors}
http_requests_total{app="shop",code="500"} ${errors}
http_requests_total{app="other",code="500"} 99999
`
  const metrics = { requests: 'http_requests_total{app="shop"}', errors: 'http_requests_total{app="shop",code=~"5.."}' }
  const at = { repository: 'acme/shop', name: 'production' }
  const counted = async (from: number) => {
    const env = { MUSTER_DEPLOY_PROMETHEUS: `acme/shop:production=${real.url}` }
    return tallied(NO_TRAFFIC, await countedBy(at, metrics, { from, to: Date.now() }, env))
  }

  it('tells every request once: of several services, of one that begins anew, and of a new one', async () => {
    real.tells.a = counts(1000, 10)
    await real.scraped()
    const from = Date.now()
    real.tells.a = counts(1200, 150)
    await real.scraped()
    await expect.poll(() => counted(from)).toMatchObject({ requests: 200, errors: 140 })
    // It begins anew, and another one comes.
    real.tells.a = counts(5, 1)
    real.tells.b = counts(7, 0)
    await real.scraped()
    await expect.poll(() => counted(from)).toMatchObject({ requests: 212, errors: 141 })
    // One that is away for a while has lost nothing.
    real.tells.a = undefined
    await real.scraped()
    real.tells.a = counts(9, 1)
    await real.scraped()
    await expect.poll(() => counted(from)).toMatchObject({ requests: 216, errors: 141 })
  })

  it('says so where it cannot be asked, or nobody has said which', async () => {
    const span = { from: 0, to: 1000 }
    await expect(countedBy(at, metrics, span, {})).rejects.toThrow('Nobody has set whose metrics')
    const gone = { MUSTER_DEPLOY_PROMETHEUS: 'acme/shop:production=http://127.0.0.1:1' }
    await expect(countedBy(at, metrics, span, gone)).rejects.toThrow('Prometheus could not be asked')
    const here = { MUSTER_DEPLOY_PROMETHEUS: `acme/shop:production=${real.url}` }
    await expect(countedBy(at, { ...metrics, errors: 'up{"' }, span, here)).rejects.toThrow('could not be asked')
  })
})
