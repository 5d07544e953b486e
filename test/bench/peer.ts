import { DBOS } from '@dbos-inc/dbos-sdk'

/**
 * The peer that tasks are measured against: DBOS Transact, in a process of its own. `peer.ts <steps> <workflows> <at once> <warm>` runs so
 * many workflows of so many durable steps, each of which does nothing, and prints the seconds that they took.
 */
const [steps = 5, workflows = 1000, atOnce = 64, warm = 400] = process.argv.slice(2).map(Number)
const systemDatabaseUrl = process.env['DATABASE_URL'] ?? ''

/** What a step of Muster's writes is about as long: the artefact of a small one. */
const ARTEFACT = { title: 'Right totals', text: 'Totals are wrong. '.repeat(20) }

const work = DBOS.registerWorkflow(
  async (count: number) => {
    for (let step = 0; step < count; step++) await DBOS.runStep(async () => ARTEFACT, { name: `step-${step}` })
  },
  { name: 'work' },
)

DBOS.setConfig({ name: 'peer', systemDatabaseUrl, logLevel: 'error', runAdminServer: false })
await DBOS.launch()
const run = async (total: number) => {
  let next = 0
  const one = async () => {
    while (next++ < total) await (await DBOS.startWorkflow(work)(steps)).getResult()
  }
  await Promise.all(Array.from({ length: atOnce }, one))
}
// Warm, as long as ours is.
await run(warm)
const started = performance.now()
await run(workflows)
process.stdout.write(`${JSON.stringify({ seconds: (performance.now() - started) / 1000 })}\n`)
await DBOS.shutdown()
process.exit(0)
