import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ServerChild } from '../../rehearsal/child.ts'
import { setStage, type Stage } from '../../rehearsal/stage.ts'
import { percentile } from '../faults/support/suite.ts'

/** How fast the server is ready, what it takes idle, how soon something is seen after a webhook; how long install, demo and tests take. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const STORY = join(ROOT, 'rehearsal/stories/tiers.json')
const STARTS = 5
// Fewer than a person may ask at once.
const REACTIONS = 25

export interface Figures {
  readyMs?: number
  readyFreshMs?: number
  idleMb?: number
  idleCpuPercent?: number
  embeddedReactionMs?: { p50: number; p99: number }
  demoSeconds?: number
  installSeconds?: number
  installMb?: number
  testSeconds?: number
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await action()
  return performance.now() - started
}

async function readiness(stage: Stage, figures: Figures): Promise<ServerChild> {
  let server: ServerChild | undefined
  const start = async () => {
    server = await ServerChild.start(stage, { MUSTER_SCRIPT: STORY })
  }
  figures.readyFreshMs = Math.round(await timed(start))
  const times: number[] = []
  for (let run = 0; run < STARTS; run++) {
    await server?.stop()
    times.push(await timed(start))
  }
  figures.readyMs = Math.round(percentile(times, 0.5))
  if (!server) throw new Error('no server')
  return server
}

async function idle(server: ServerChild, figures: Figures): Promise<void> {
  const stat = () => readFileSync(`/proc/${server.pid}/stat`, 'utf8').split(' ')
  const ticks = () => Number(stat()[13]) + Number(stat()[14])
  await new Promise((done) => setTimeout(done, 5000))
  const before = ticks()
  await new Promise((done) => setTimeout(done, 10_000))
  figures.idleCpuPercent = Math.round(ticks() - before) / 10
  figures.idleMb = Math.round(
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024,
  )
}

/** From the moment a person's comment is sent to the first thing seen of Muster in that thread. */
async function reactions(stage: Stage, figures: Figures): Promise<void> {
  const times: number[] = []
  for (let run = 0; run < REACTIONS; run++) {
    const number = stage.world.issues.length + 1
    let stop = () => {}
    const seen = new Promise<void>((done) => {
      stop = stage.world.watch((entry) => {
        if (entry.who === stage.world.bot.login && entry.where === `#${number}`) done()
      })
    })
    times.push(
      await timed(async () => {
        await stage.people.openIssue('alice', `Question ${run}`, '@muster help')
        await seen
      }),
    )
    stop()
  }
  figures.embeddedReactionMs = { p50: Math.round(percentile(times, 0.5)), p99: Math.round(percentile(times, 0.99)) }
}

function command(file: string, args: readonly string[], cwd: string): number {
  const started = performance.now()
  const { status, stderr } = spawnSync(file, args, { cwd, encoding: 'utf8', maxBuffer: 1e9 })
  if (status !== 0) process.stderr.write(`${file} ${args.join(' ')} failed: ${stderr.slice(-500)}\n`)
  return Math.round((performance.now() - started) / 100) / 10
}

function whole(figures: Figures): void {
  const dir = mkdtempSync(join(tmpdir(), 'muster-bench-'))
  try {
    for (const name of ['package.json', 'package-lock.json', '.npmrc']) cpSync(join(ROOT, name), join(dir, name))
    figures.installSeconds = command('npm', ['ci', '--omit=dev', '--silent'], dir)
    figures.installMb = Number(
      spawnSync('du', ['-sm', join(dir, 'node_modules')], { encoding: 'utf8' }).stdout.split('\t')[0],
    )
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  figures.demoSeconds = command('npm', ['run', '--silent', 'demo', '--', '--json'], ROOT)
  figures.testSeconds = command('npm', ['test', '--silent'], ROOT)
}

/** Start, reaction, idle; with `all` also install, demo and tests. */
export async function measureWhole(all: boolean): Promise<Figures> {
  const figures: Figures = {}
  const stage = await setStage()
  const server = await readiness(stage, figures)
  await reactions(stage, figures)
  await idle(server, figures)
  await server.stop()
  await stage.close()
  if (all) whole(figures)
  return figures
}
