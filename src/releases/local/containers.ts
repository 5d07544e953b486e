import { existsSync } from 'node:fs'
import { appendFile, rm, writeFile } from 'node:fs/promises'
import { isSameProcess, startedAt, startTick } from '../../telemetry/process.ts'
import { call, type Engine, findEngine } from '../../workspace/container.ts'
import { secretsOf } from '../secrets.ts'
import type { ReleaseRow, TargetDeps } from '../types.ts'
import { fetchedImage } from '../containers/images.ts'
import { LOG_LINES, MAX_LOG, nameOf, notStarted, optionsOf, tagOf } from '../containers/options.ts'
import { builtImage } from './build.ts'
import { containerLog, serviceLog } from './log.ts'
import { tailOf } from './process.ts'
import type { Runner } from './runner.ts'
import { containerSettings } from '../containers/settings.ts'

/** How long a service has to end by itself; s. */
const STOP_SECONDS = 5
/** An engine that does not answer holds nothing else up for longer. */
const SHORT_MS = 60_000
/** How far apart the clocks of the engine and of the system may say that something began. */
const TOLERANCE_MS = 5000

/** Releases as containers of this machine, by Podman or Docker: each has the name of its release. */
export function containerRunner({ dir, env }: Pick<TargetDeps, 'dir' | 'env'>): Runner {
  let found: Engine | undefined
  const engine = () => (found ??= findEngine(env['MUSTER_CONTAINERS']))
  const ask = (...args: string[]) => call(engine(), args, { timeoutMs: SHORT_MS })
  const isOurs = ({ command, dir: files }: ReleaseRow) => command.runs === 'container' && existsSync(files)

  /** The last lines of the container as it is now. */
  async function keepLog(row: ReleaseRow): Promise<void> {
    if (!isOurs(row)) return
    const { exitCode, output } = await ask('logs', '--tail', `${LOG_LINES}`, nameOf(row))
    if (exitCode === 0) await writeFile(containerLog(dir, row.id), output.slice(-MAX_LOG), { mode: 0o600 })
  }

  /** It goes, and what it has printed stays: that may be why it died. */
  async function removed(row: ReleaseRow): Promise<void> {
    await keepLog(row)
    await ask('rm', '--force', nameOf(row))
    const [before, last] = await Promise.all(
      [serviceLog(dir, row.id), containerLog(dir, row.id)].map((file) => tailOf(file, MAX_LOG)),
    )
    if (last === '') return
    await writeFile(serviceLog(dir, row.id), `${before}${last}`.slice(-MAX_LOG), { mode: 0o600 })
    await rm(containerLog(dir, row.id), { force: true })
  }

  return {
    keepLog,
    async prepare(row, preparing) {
      const { image, listens, memory, cpus } = containerSettings(preparing.settings)
      const made = image
        ? await fetchedImage((...args) => call(engine(), args), row, image, env)
        : await builtImage(engine(), row, { ...preparing, env, dir })
      await appendFile(serviceLog(dir, row.id), imageLine(made), { mode: 0o600 })
      return { ...row, command: { ...row.command, container: { image: made, listens, memory, cpus } } }
    },
    async start(row, port) {
      const { container } = row.command
      if (!container) throw new Error(`${row.id} has no image`)
      await removed(row)
      const secrets = secretsOf(row, env)
      const options = optionsOf(row, container, `127.0.0.1:${port}`, [
        // Who serves is started again by Muster, and by nobody else.
        '--restart=no',
        ...Object.keys(secrets).map((one) => `--env=${one}`),
      ])
      // By their names alone: whoever lists the processes of this machine reads no value.
      const { exitCode, output } = await call(engine(), ['run', ...options, container.image], { env: secrets })
      if (exitCode !== 0)
        throw notStarted(output, 'Does the engine run one by hand? MUSTER_CONTAINERS names another, or options of it.')
      const state = await ask('inspect', '--format', '{{.State.Pid}} {{.State.StartedAt}}', nameOf(row))
      const pid = pidHere(state.output)
      return { ...row, pid, startedTick: pid === undefined ? undefined : startTick(pid) }
    },
    async isAlive(row) {
      if (row.pid !== undefined && row.startedTick !== undefined) return isSameProcess(row.pid, row.startedTick)
      const { exitCode, output } = await ask('inspect', '--format', '{{.State.Running}}', nameOf(row))
      if (exitCode === 0) return output.trim() === 'true'
      if (/no such/i.test(output)) return false
      // What cannot be told is no reason to end what may serve.
      throw new Error(`the engine does not tell whether ${nameOf(row)} runs: ${output.slice(-200)}`)
    },
    async stop(row) {
      // What is kept no more has no container either: an environment may have hundreds of releases.
      if (!isOurs(row)) return
      await ask('stop', '--time', `${STOP_SECONDS}`, nameOf(row))
      await removed(row)
    },
    async forget(row, kept) {
      await ask('rm', '--force', nameOf(row))
      const image = row.command.container?.image
      const isUsed = kept.some(({ command }) => command.container?.image === image)
      await ask('rmi', tagOf(row), ...(image && !isUsed ? [image] : []))
    },
  }
}

function imageLine(image: string): string {
  return `muster: the image is ${image}\n`
}

/** Its process, where that can be seen from here: an engine elsewhere, or in a virtual machine, counts its own. @param state pid, and since when, as the engine says */
function pidHere(state: string): number | undefined {
  const [, pid, since] = /^(\d+) (\d{4}-\d\d-\d\d)/.exec(state.trim()) ? (/^(\d+) (.*)$/.exec(state.trim()) ?? []) : []
  const [here, there] = [startedAt(Number(pid)), timeOf(since ?? '')]
  const isIt = here !== undefined && there !== undefined && Math.abs(here - there) < TOLERANCE_MS
  return isIt ? Number(pid) : undefined
}

/** `2026-11-30T23:00:00.1Z` of Docker, `2026-11-30 23:00:00.123456789 +0000 UTC` of Podman. */
function timeOf(text: string): number | undefined {
  const [, date, time, zone = 'Z'] = /^(\S{10})[T ](\d\d:\d\d:\d\d)(?:\.\d+)? ?([+-]\d\d:?\d\d|Z)?/.exec(text) ?? []
  const at = Date.parse(`${date}T${time}${zone.replace(/^([+-]\d\d)(\d\d)$/, '$1:$2')}`)
  return Number.isNaN(at) ? undefined : at
}
