import { Cluster, hasPrograms, RedisServer } from '../faults/support/cluster.ts'
import { percentile } from '../faults/support/suite.ts'
import { measurePeer } from './dbos.ts'
import { type Clones, measureClones } from './clones.ts'
import { type Ingest, measureIngest } from './ingest.ts'
import { type Judged, measureJudge } from './judge.ts'
import { type Maps, measureMaps } from './maps.ts'
import { measureVerdicts, type Verdicts } from './verdicts.ts'
import { measureProcesses, type Processes } from './processes.ts'
import { measureReaction, measureTasks, type Throughput, WARM } from './tasks.ts'
import { measureTexts, type Texts } from './texts.ts'
import { type Figures, measureWhole } from './whole.ts'

/**
 * Figures of this machine, in one run: what arrives, what is done in an hour, how soon something is seen, and what the rest
 * takes. `--quick` is shorter and leaves out 100,000 stored tasks, install, demo and tests; `--only ingest,tasks,processes,texts,clones,maps,judge,verdicts,whole` runs
 * some parts; `--json` prints one object. PostgreSQL and Redis are started for it, with their usual settings.
 */
const quick = process.argv.includes('--quick')
const only = process.argv.includes('--only') ? (process.argv[process.argv.indexOf('--only') + 1] ?? '').split(',') : []
const wanted = (part: string) => only.length === 0 || only.includes(part)
const say = (text: string) => void process.stderr.write(`${text}\n`)

interface All {
  ingest?: Ingest
  tasks?: {
    '2': Throughput
    '4': Throughput
    /** One worker; with 100,000 stored tasks, and without right after it. */
    at100k: Throughput | undefined
    none: Throughput
    /** DBOS Transact: five steps that do nothing; as many as are durable of a task of ours, in turn with one worker of ours. */
    peer: { bare: Throughput; pairs: readonly { ours: Throughput; peer: Throughput }[] }
  }
  processes?: Processes
  reactionMs?: { p50: number; p99: number }
  whole?: Figures
  texts?: Texts[]
  clones?: Clones
  maps?: Maps
  judged?: Judged
  verdicts?: Verdicts[]
}

async function measure(): Promise<All> {
  const all: All = {}
  if (wanted('texts')) {
    say('texts …')
    all.texts = measureTexts()
  }
  if (wanted('clones')) {
    say('clones …')
    all.clones = quick ? await measureClones(2000, 30) : await measureClones(20_000, 300)
  }
  if (wanted('verdicts')) all.verdicts = measureVerdicts(quick ? 200 : 2000)
  if (wanted('judge')) all.judged = measureJudge(10_000_000)
  if (wanted('maps')) {
    say('maps …')
    all.maps = await measureMaps(quick ? 1000 : 10_000)
  }
  if (only.length > 0 && only.every((part) => ['texts', 'clones', 'maps', 'judge', 'verdicts'].includes(part)))
    return all
  if (!hasPrograms()) {
    say("PostgreSQL's and Redis's own programs are not here: only the embedded figures are taken")
    return { ...all, whole: await measureWhole(!quick) }
  }
  // As it is set where people use it; the faults do without.
  const cluster = await Cluster.start({ max_connections: '200', fsync: 'on' })
  const redis = await RedisServer.start()
  let databases = 0
  const database = () => cluster.create(`bench_${++databases}`)
  try {
    if (wanted('ingest')) {
      say('ingest …')
      all.ingest = await measureIngest(await database(), redis.url, quick ? 5 : 15)
    }
    if (wanted('tasks')) all.tasks = await tasks(database, redis.url)
    if (wanted('processes')) {
      say('processes …')
      all.processes = await measureProcesses(await database(), redis.url)
    }
    if (wanted('reaction') || wanted('tasks')) {
      say('reactions …')
      all.reactionMs = await measureReaction(database, redis.url, 50, quick ? 40 : 200)
    }
  } finally {
    cluster.stop()
    await redis.kill()
  }
  if (wanted('whole')) {
    say('the rest …')
    all.whole = await measureWhole(!quick)
  }
  return all
}

async function tasks(database: () => Promise<string>, redisUrl: string): Promise<NonNullable<All['tasks']>> {
  const count = quick ? 300 : 1200
  const run = (workers: number, stored = 0) => {
    say(
      `tasks with ${workers} ${workers === 1 ? 'worker' : 'workers'}${stored > 0 ? ` and ${stored} stored tasks` : ''} …`,
    )
    return measureTasks(database, redisUrl, workers, count, stored)
  }
  const peer = async (steps: number, workflows: number) => {
    say(`the peer with ${steps} steps …`)
    return measurePeer(await database(), steps, workflows, WARM)
  }
  const bare = await peer(5, count * 4)
  // A process against a process, in turn: the hour's moods fall on both.
  const pairs: { ours: Throughput; peer: Throughput }[] = []
  for (let pair = 0; pair < (quick ? 1 : 3); pair++) {
    const ours = await run(1)
    pairs.push({ ours, peer: await peer(ours.points ?? 0, count) })
  }
  const two = await run(2)
  const four = await run(4)
  // Right after each other, so that they can be compared.
  const at100k = quick ? undefined : await run(1, 100_000)
  const none = quick ? two : await run(1)
  return { '2': two, '4': four, none, at100k, peer: { bare, pairs } }
}

/** @returns ours for each of the peer's, of every pair, and the one in the middle */
function tasksDbos({ peer: { pairs } }: NonNullable<All['tasks']>): { ratios: number[]; median: number } {
  const ratios = pairs.map(({ ours, peer }) => Number(ratio(ours.perHour, peer.perHour)))
  return { ratios, median: percentile(ratios, 0.5) }
}

function cloneRows(clones: Clones): [name: string, value: string, aim: string][] {
  const what = `${clones.files} files, ${clones.historyMb} MB of history`
  return [
    [`first clone, with the fetch: ${what}`, `${clones.firstMs} ms`, ''],
    ['a clone after that', `${clones.secondMs} ms`, '≤ 10 s'],
    ['a clone from what a set-up left', `${clones.snapshotMs} ms`, '≤ 3 s'],
    ['keeping that', `${clones.keepMs} ms`, ''],
    ['a command that does nothing', `${clones.commandMs} ms`, ''],
    ['a file, read', `${clones.readMs} ms`, ''],
    ['the change, read out', `${clones.diffMs} ms`, ''],
  ]
}

const ratio = (a: number, b: number) => (a / b).toFixed(2)

function mapRows(maps: Maps): [name: string, value: string, aim: string][] {
  return [
    [`a map of ${maps.files} files, read for the first time`, `${maps.readMs} ms`, ''],
    ['waited for it meanwhile', `${maps.coldMs} ms`, '≤ 2 s'],
    ['asked for after that: first, and again', `${maps.firstMs} ms, ${maps.warmMs} ms`, '≤ 200 ms'],
  ]
}

function lines({
  ingest,
  tasks: done,
  reactionMs,
  whole,
  texts,
  clones,
  maps,
  judged,
  verdicts,
  processes,
}: All): string[] {
  const rows: [name: string, value: string, aim: string][] = []
  if (ingest) {
    const { bare, probot, insert, muster, embedded } = ingest
    const show = (name: string, one: Ingest['bare']) =>
      rows.push([
        name,
        `${one.perSecond}/s · p50 ${one.p50} ms · p99 ${one.p99} ms${one.refused > 0 ? ` · ${one.refused} refused` : ''}`,
        '',
      ])
    show('(a) bare node:http + HMAC', bare)
    show('(b) Probot, no-op handler', probot)
    show('(c) a + one INSERT', insert)
    show('(d) Muster on PostgreSQL', muster)
    show('(e) Muster embedded', embedded)
    rows.push(['d/c', ratio(muster.perSecond, insert.perSecond), ''])
    const { quiet, busy } = ingest.pairs
    rows.push(['d/c, five pairs in turn', `${quiet.median} (${quiet.ratios.join(', ')})`, '≥ 1.0'])
    rows.push(['d/c, five pairs beside busy loops', `${busy.median} (${busy.ratios.join(', ')})`, '≥ 1.0'])
    rows.push(['d/b', ratio(muster.perSecond, probot.perSecond), '≥ 0.4'])
    rows.push(['d/a', ratio(muster.perSecond, bare.perSecond), ''])
    rows.push(['p99 of the ack, 32 connections', `${muster.p99} ms`, '≤ 25 ms'])
  }
  if (done) {
    const { bare, pairs } = done.peer
    const hourly = (list: readonly Throughput[]) => list.map(({ perHour }) => perHour).join(', ')
    rows.push(['tasks/h, 1 worker', hourly(pairs.map(({ ours }) => ours)), ''])
    rows.push(['tasks/h, 2 workers', hourly([done['2']]), '≥ 100,000'])
    rows.push(['tasks/h, 4 workers', hourly([done['4']]), ''])
    rows.push(['DBOS workflows/h, five empty steps', hourly([bare]), ''])
    const steps = `${pairs[0]?.ours.points} empty steps, as of a task`
    rows.push([`DBOS workflows/h, ${steps}`, hourly(pairs.map(({ peer }) => peer)), ''])
    const { median, ratios } = tasksDbos(done)
    rows.push(['1 worker / DBOS with the same points', `${median} (${ratios.join(', ')})`, '≥ 1.0'])
    if (done.at100k)
      rows.push([
        'tasks/h at 100,000 stored',
        `${done.at100k.perHour} (${ratio(done.at100k.perHour, done.none.perHour)} of ${done.none.perHour} without)`,
        '≥ 0.95',
      ])
  }
  if (reactionMs)
    rows.push([
      'first visible reaction, 50 tasks running',
      `p50 ${reactionMs.p50} ms · p99 ${reactionMs.p99} ms`,
      '< 1 s',
    ])
  for (const one of texts ?? [])
    rows.push([
      `worst text: ${one.name}`,
      `${one.worstMs} ms: ${one.shape}; twice the text ${one.ratio.toFixed(1)} times`,
      '≤ 50 ms, ≤ 2.5 times',
    ])
  if (clones) rows.push(...cloneRows(clones))
  for (const { name, regressed, healthy, seconds } of verdicts ?? [])
    rows.push([
      name,
      `${(100 * regressed).toFixed(1)} % regressed, ${(100 * healthy).toFixed(1)} % healthy${seconds === undefined ? '' : `, after ${seconds} s`}`,
      name.startsWith('nothing') ? '≤ 1 % regressed' : '',
    ])
  if (judged)
    rows.push([
      `a look of the judge at ${judged.requests} requests`,
      `${judged.medianMs.toFixed(2)} ms, ${judged.slowestMs.toFixed(2)} ms at most`,
      '≤ 10 ms',
    ])
  if (maps) rows.push(...mapRows(maps))
  if (processes) {
    rows.push(['idle memory, web on PostgreSQL', `${processes.webMb} MB`, '≤ 150 MB'])
    rows.push(['idle memory, worker on PostgreSQL', `${processes.workerMb} MB`, ''])
    rows.push(['worker ready', `${processes.workerReadyMs} ms`, '≤ 1.5 s'])
  }
  if (whole) rows.push(...wholeRows(whole))
  return rows.map(([name, value, aim]) => `${name.padEnd(42)} ${value.padEnd(44)} ${aim && `aim ${aim}`}`.trimEnd())
}

function wholeRows(f: Figures): [string, string, string][] {
  const rows: [string, string | undefined, string][] = [
    ['ready, existing embedded database', f.readyMs && `${f.readyMs} ms`, '≤ 2 s'],
    ['ready, new embedded database', f.readyFreshMs && `${f.readyFreshMs} ms`, ''],
    ['idle memory', f.idleMb && `${f.idleMb} MB`, ''],
    ['idle CPU', f.idleCpuPercent === undefined ? undefined : `${f.idleCpuPercent} %`, ''],
    [
      'first reaction, embedded, idle',
      f.embeddedReactionMs && `p50 ${f.embeddedReactionMs.p50} · p99 ${f.embeddedReactionMs.p99} ms`,
      '',
    ],
    ['install for the demo', f.installSeconds && `${f.installSeconds} s, ${f.installMb} MB`, '≤ 60 s'],
    ['demo', f.demoSeconds && `${f.demoSeconds} s`, '≤ 60 s'],
    ['tests', f.testSeconds && `${f.testSeconds} s`, '≤ 120 s'],
  ].map(([name, value, aim]) => [String(name), value || undefined, String(aim)])
  return rows.filter((row): row is [string, string, string] => row[1] !== undefined)
}

/** The same as one object. */
function json({ ingest, tasks: done, reactionMs, whole, texts, processes }: All): unknown {
  return {
    ...(ingest
      ? {
          ingest: {
            bare: ingest.bare.perSecond,
            probot: ingest.probot.perSecond,
            insert: ingest.insert.perSecond,
            muster: ingest.muster.perSecond,
            embedded: ingest.embedded.perSecond,
            ackP99Ms: ingest.muster.p99,
            pairs: ingest.pairs,
          },
        }
      : {}),
    ...(done
      ? {
          tasksPerHour: {
            '1': done.peer.pairs.map(({ ours }) => ours.perHour),
            '2': done['2'].perHour,
            '4': done['4'].perHour,
            at100k: done.at100k?.perHour ?? null,
            dbosBare: done.peer.bare.perHour,
            dbosSame: done.peer.pairs.map(({ peer }) => peer.perHour),
          },
          ratios: { tasks_dbos: tasksDbos(done).median },
        }
      : {}),
    ...(reactionMs ? { reactionMs } : {}),
    ...(processes ? { processes } : {}),
    ...whole,
    ...(texts ? { texts } : {}),
  }
}

const all = await measure()
process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify(json(all))}\n` : `${lines(all).join('\n')}\n`)
process.exit(0)
