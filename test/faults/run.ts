import { cpus, totalmem, type } from 'node:os'
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { OTHERS } from './channels.ts'
import { CRASHES } from './crashes.ts'
import { EVENTS } from './events.ts'
import { LEASES } from './leases.ts'
import { MACHINE } from './machine.ts'
import { MODEL } from './model.ts'
import { ORDER } from './order.ts'
import { OUTSIDE } from './outside.ts'
import { Cluster, hasPrograms, RedisServer } from './support/cluster.ts'
import { type Context, type Fault, type Reached, seeded } from './support/suite.ts'

/**
 * The fault suite (docs/reliability.md): `npm run test:faults` quickly, `-- --full` with the full numbers, `--only R1,R5` some
 * of them, `--seed N` as an earlier run, `--write` puts the table into docs/reliability.md.
 */
const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    seed: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
const ALL: readonly Fault[] = [
  ...CRASHES,
  ...EVENTS,
  ...LEASES,
  ...MACHINE,
  ...MODEL,
  ...ORDER,
  ...OUTSIDE,
  ...OTHERS,
].toSorted((a, b) => orderOf(a.id) - orderOf(b.id))
/** Faults first, then bad input. */
function orderOf(id: string): number {
  return Number(id.slice(1)) + (id.startsWith('B') ? 100 : 0)
}
const wanted = values.only?.split(',')
const faults = ALL.filter((fault) => !wanted || wanted.includes(fault.id))

if (!hasPrograms()) {
  const text = "PostgreSQL's and Redis's own programs (initdb, redis-server) are needed for the fault suite"
  if (process.env['CI']) throw new Error(text)
  process.stderr.write(`skipped: ${text}\n`)
  process.exit(0)
}

let databases = 0
const cluster = await Cluster.start({ max_connections: '200' })
const redis = await RedisServer.start()
const say = (text: string) => void process.stderr.write(`    ${text}\n`)
const context = (id: string): Context => {
  const random = seeded(seed + Math.round(Number(id.slice(1)) * 10))
  return {
    full: values.full,
    pick: (quick, full) => (values.full ? full : quick),
    random,
    cluster,
    redis,
    database: () => cluster.create(`fault_${++databases}`),
    say,
    slow(is, text) {
      if (is && !values.full) say(`${id}: slow: ${text}`)
      return is && values.full ? [text] : []
    },
  }
}

interface Row extends Reached {
  readonly fault: Fault
  readonly seconds: number
}

async function run(fault: Fault): Promise<Row> {
  const started = performance.now()
  const reached = await fault.run(context(fault.id)).catch(
    (error: unknown): Reached => ({
      number: 'failed',
      problems: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
    }),
  )
  const seconds = Math.round((performance.now() - started) / 100) / 10
  const good = reached.problems.length === 0
  process.stdout.write(`${good ? '✓' : '✗'} ${fault.id} ${fault.title}\n    ${reached.number} (${seconds} s)\n`)
  for (const problem of reached.problems.slice(0, 10)) process.stdout.write(`    ✗ ${problem}\n`)
  if (!good)
    process.stdout.write(
      `    repeat with: npm run test:faults -- --only ${fault.id} --seed ${seed}${values.full ? ' --full' : ''}\n`,
    )
  return { ...reached, fault, seconds }
}

/** Quickly, those that do not get into each other's way run two at a time. */
async function runAll(): Promise<Row[]> {
  if (values.full) {
    const found: Row[] = []
    for (const fault of faults) found.push(await run(fault))
    return found
  }
  const found: Row[] = []
  const together = faults.filter((fault) => !fault.alone)
  const lane = async () => {
    for (let fault = together.shift(); fault; fault = together.shift()) found.push(await run(fault))
  }
  await Promise.all([lane(), lane()])
  for (const fault of faults.filter((one) => one.alone)) found.push(await run(fault))
  return found.toSorted((a, b) => faults.indexOf(a.fault) - faults.indexOf(b.fault))
}

const rows = await runAll()
cluster.stop()
await redis.kill()

const failed = rows.filter((row) => row.problems.length > 0).length
process.stdout.write(`\nseed ${seed}\n${rows.length - failed} passed, ${failed} failed\n`)
if (values.write) writeTable(rows)
process.exit(failed > 0 ? 1 : 0)

/** Puts what was reached into the document, between its marks; rows of other runs stay. */
function writeTable(reached: readonly Row[]): void {
  const file = new URL('../../docs/reliability.md', import.meta.url)
  const text = readFileSync(file, 'utf8')
  const machine = `${type()}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GB`
  const before = new Map([...text.matchAll(/^\| ([RB][\d.]+) \|.*$/gm)].map(([line, id = '']) => [id, line]))
  for (const { fault, number, problems, seconds } of reached) {
    const outcome =
      problems.length === 0
        ? `${number}${values.full ? '' : ' (quick form)'}`
        : `**not reached:** ${problems[0]?.replaceAll(/\s+/g, ' ').slice(0, 120) ?? ''}`
    before.set(fault.id, `| ${fault.id} | ${fault.title} | ${fault.wanted} | ${outcome} | ${seconds} s |`)
  }
  const lines = [...before].toSorted(([a], [b]) => orderOf(a) - orderOf(b)).map(([, line]) => line)
  const table = [
    '<!-- table -->',
    `${new Date().toISOString().slice(0, 10)}, ${machine}:`,
    '',
    '| # | fault | number to reach | reached | took |',
    '|---|---|---|---|---|',
    ...lines,
    '<!-- /table -->',
  ].join('\n')
  writeFileSync(
    file,
    text.replace(/<!-- table -->[\s\S]*<!-- \/table -->/, () => table),
  )
}
