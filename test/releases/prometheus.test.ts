import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bucketOf, NO_TRAFFIC, tallied } from '../../src/core/traffic.ts'
import { allowedMetrics, countedBy, metricsSecrets } from '../../src/releases/prometheus/client.ts'
import { increases, samplesOf, type Scraped, type Series } from '../../src/releases/prometheus/counters.ts'
import { local } from '../../src/releases/local/module.ts'
import { HAS_PROMETHEUS, type Prometheus, prometheus } from '../support/prometheus.ts'

/** A counter by second. */
const series = (values: readonly (readonly [number, number])[], metric: Record<string, string> = {}): Series => ({
  metric,
  values,
})
const grown = (all: readonly Series[], from: number, to: number, since = 0, known = all) =>
  increases(all, { from: from * 1000, to: to * 1000, since: since * 1000 }, known).reduce(
    (sum, { count }) => sum + count,
    0,
  )
const NONE = { requests: [], errors: [], latency: [] }
const tallyOf = (scraped: Partial<Scraped>, from: number, to: number, since = 0) =>
  tallied(NO_TRAFFIC, samplesOf({ ...NONE, ...scraped }, { from: from * 1000, to: to * 1000, since: since * 1000 }))

describe('counters as they were scraped', () => {
  const FOUR = series([
    [0, 5],
    [10, 8],
    [20, 8],
    [30, 20],
  ])

  it('grew by what they did, and by no more', () => {
    expect(grown([FOUR], 0, 30)).toBe(15)
    expect(grown([FOUR], 10, 29)).toBe(0)
  })

  it('are counted from the first scrape on that is wholly of the time that counts', () => {
    // What came in from 10 to 20 may be the release's before, which ended at 12.
    expect(
      grown(
        [
          series([
            [0, 0],
            [10, 100],
            [20, 200],
            [30, 300],
          ]),
        ],
        12,
        30,
        12,
      ),
    ).toBe(100)
  })

  it('count what came after they began anew: all of a service, where one of its counters tells so', () => {
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
    const fast = series(
      [
        [0, 95],
        [10, 96],
      ],
      { le: '0.1' },
    )
    const all = series(
      [
        [0, 100],
        [10, 97],
      ],
      { le: '+Inf' },
    )
    expect(tallyOf({ requests: [all], latency: [fast, all] }, 0, 10)).toMatchObject({
      requests: 97,
      latency: { [bucketOf(100)]: 96, [bucketOf(1e9)]: 1 },
    })
  })

  it('count the first error of a service that was scraped before, and nothing of one that was not', () => {
    const [requests, errors] = [
      series(
        [
          [0, 50],
          [10, 150],
        ],
        { instance: 'a' },
      ),
      series([[10, 30]], { instance: 'a', code: '500' }),
    ]
    expect(tallyOf({ requests: [requests], errors: [errors] }, 0, 10)).toMatchObject({ requests: 100, errors: 30 })
    const back = series(
      [
        [10, 1_000_000],
        [20, 1_000_005],
      ],
      { instance: 'b' },
    )
    expect(tallyOf({ requests: [requests, back] }, 0, 20)).toMatchObject({ requests: 105 })
  })

  it('lose no error that is told before its request, or after it', () => {
    const requests = series([
      [0, 0],
      [10, 100],
      [20, 100],
    ])
    const errors = series([
      [1, 0],
      [11, 20],
      [21, 40],
    ])
    expect(tallyOf({ requests: [requests], errors: [errors] }, 0, 30)).toMatchObject({ errors: 40 })
  })

  it('are taken as what they are: floats, and what is no number', () => {
    const values = Array.from({ length: 101 }, (_, nth): [number, number] => [nth, nth * 0.4])
    expect(tallyOf({ requests: [series(values)] }, 0, 100)).toMatchObject({ requests: 40 })
    expect(
      grown(
        [
          series([
            [0, 5],
            [10, Number.NaN],
            [20, 50],
          ]),
        ],
        0,
        20,
      ),
    ).toBe(45)
  })

  it('say how many took how long, each histogram by bounds of its own', () => {
    const at = (value: number, le: string, route: string) =>
      series(
        [
          [0, 0],
          [10, value],
        ],
        { le, route },
      )
    const latency = [at(10, '0.1', 'a'), at(10, '+Inf', 'a'), at(3, '0.5', 'b'), at(5, '1', 'b'), at(5, '+Inf', 'b')]
    expect(
      tallyOf(
        {
          requests: [
            series([
              [0, 0],
              [10, 15],
            ]),
          ],
          latency,
        },
        0,
        10,
      ).latency,
    ).toEqual({
      [bucketOf(100)]: 10,
      [bucketOf(500)]: 3,
      [bucketOf(1000)]: 2,
    })
  })

  it('come to the same however the span is cut, with services that come and begin anew', () => {
    const steps = fc.array(fc.tuple(fc.nat(50), fc.boolean()), { minLength: 3, maxLength: 40 })
    const service = fc.record({ begins: fc.nat(5), steps })
    fc.assert(
      fc.property(fc.array(service, { minLength: 1, maxLength: 3 }), fc.nat(), (services, cut) => {
        const all = services.map(({ begins, steps: own }, nth) => {
          let value = 0
          const values = own.map(([more, isAnew], at): [number, number] => [
            begins + at,
            (value = isAnew ? more : value + more),
          ])
          return series(values, { instance: `${nth}` })
        })
        const end = 50
        const middle = cut % end
        // What is read of a part begins with what came before it.
        const part = (from: number, to: number) =>
          tallyOf({ requests: all.map((one) => ({ ...one, values: one.values.filter(([at]) => at <= to) })) }, from, to)
            .requests
        expect(part(0, middle) + part(middle, end)).toBe(part(0, end))
      }),
    )
  })
})

describe('whose metrics are read', () => {
  const env = { MUSTER_DEPLOY_PROMETHEUS: 'Acme/shop:production=https://me:p%40ss@prometheus.example/base' }

  it('is what the operator says; its password is no word of anybody’s', () => {
    expect(allowedMetrics(env)?.[0]).toMatchObject({ repository: 'acme/shop', environment: 'production' })
    expect(metricsSecrets(env)).toEqual(['p@ss'])
    expect(metricsSecrets({ MUSTER_DEPLOY_PROMETHEUS: 'acme/x:y=http://me:100%@prom:9090' })).toEqual(['100%'])
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
    ['up{route="/users/{id}",code=~"5[0-9]{2}"}', true],
    ['up{a="\\"}"} or up', false],
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
    const now = Date.now()
    return tallied(NO_TRAFFIC, await countedBy(at, metrics, { from, to: now, since: 0 }, { env, now }))
  }

  it('tells every request once: of one that begins anew, and of a new one from when it was scraped first', async () => {
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
    await expect.poll(() => counted(from)).toMatchObject({ requests: 205, errors: 141 })
    // One that is away for a while has lost nothing.
    real.tells.a = undefined
    await real.scraped()
    real.tells.a = counts(9, 1)
    await real.scraped()
    await expect.poll(() => counted(from)).toMatchObject({ requests: 209, errors: 141 })
  })

  it('says so where it cannot be asked, or nobody has said which', async () => {
    const span = { from: 0, to: 1000 }
    await expect(countedBy(at, metrics, span, { env: {}, now: 0 })).rejects.toThrow('Nobody has set whose metrics')
    const gone = { MUSTER_DEPLOY_PROMETHEUS: 'acme/shop:production=http://127.0.0.1:1' }
    await expect(countedBy(at, metrics, span, { env: gone, now: 0 })).rejects.toThrow('Prometheus could not be asked')
    const here = { MUSTER_DEPLOY_PROMETHEUS: `acme/shop:production=${real.url}` }
    await expect(countedBy(at, { ...metrics, errors: 'up{"' }, span, { env: here, now: Date.now() })).rejects.toThrow(
      'could not be asked',
    )
  })
})
