import { join, resolve } from 'node:path'
import { UserError } from '../../../core/errors.ts'
import { hashOf } from '../../../core/hash.ts'
import { secretsOf } from '../../secrets.ts'
import type { Environment, ReleaseRow, TargetDeps } from '../../types.ts'
import { type Found, moduleIn, workerAt } from '../../workers/files.ts'
import { installed, isInstalled, PROGRAMS } from '../../workers/installed.ts'
import { serviceLog } from '../log.ts'
import { built } from '../processes.ts'
import type { Runner } from '../runner.ts'
import { objectSettings } from '../settings.ts'
import { changesOf } from './changes.ts'
import { ObjectHost } from './client.ts'
import { objectFiles, type Version } from './protocol.ts'

type Place = Pick<ReleaseRow, 'repository' | 'environment'>

/** Workers on this machine: those of one environment are served by one process, which has their objects' storage open. */
export function objectRunner({ dir, env, log }: Pick<TargetDeps, 'dir' | 'env' | 'log'>): Runner {
  const hosts = new Map<string, ObjectHost>()
  const hostOf = (place: Place) => {
    const { folder } = filesOf(dir, place)
    const known = hosts.get(folder) ?? new ObjectHost(filesOf(dir, place))
    hosts.set(folder, known)
    return known
  }
  return {
    async prepare(row, preparing) {
      await installed({ env, dir, log }, 'miniflare', preparing.signal)
      const { settings } = preparing
      const command = await built(dir, row, preparing, objectSettings(settings).build, '')
      return { ...row, command: { ...command, worker: await workerOf(row.dir, settings) } }
    },
    isTried: true,
    async start(row, port, healthSeconds) {
      const miniflare = await installed({ env, dir, log }, 'miniflare')
      const { pid, tick } = await hostOf(row).load(versionOf(row, { port, healthSeconds }, dir, env), miniflare)
      return { ...row, pid, startedTick: tick }
    },
    isAlive: (row) => hostOf(row).has(row.id, row.port),
    stop: (row) => hostOf(row).unload(row.id),
    async lead(live, beside) {
      const percent = live.command.share?.percent
      await hostOf(live).lead({
        main: live.id,
        ...(beside && percent !== undefined && { beside: { id: beside.id, percent } }),
      })
    },
    async preview({ repository, name, settings }, files) {
      const { config, section } = objectSettings(settings)
      const found = await workerAt(files, { config, section })
      mustBeServed(found)
      const fetched = isInstalled({ env, dir }, 'miniflare')
        ? []
        : [`Miniflare is fetched from npm first: ${PROGRAMS.miniflare.megabytes} MB`]
      // What does not answer is no reason not to plan what mends it.
      const standing = await hostOf({ repository, environment: name })
        .objects()
        .catch(() => [])
      return [...fetched, ...changesOf(found.worker, standing)]
    },
    forget: async () => {},
  }
}

/** What there is of an environment beside its releases. */
export function filesOf(dir: string, { repository, environment }: Place) {
  return objectFiles(join(resolve(dir), 'objects', hashOf([repository, environment]).slice(0, 16)))
}

/** What is stored of a Worker to be started by. @throws UserError where it has what this machine has not */
async function workerOf(
  dir: string,
  settings: Environment['settings'],
): Promise<NonNullable<ReleaseRow['command']['worker']>> {
  const { config, section, main: named } = objectSettings(settings)
  const found = await workerAt(dir, { config, section })
  mustBeServed(found)
  const main = moduleIn(dir, found, named)
  const { worker } = found
  const { compatibilityDate, compatibilityFlags, objects, vars } = worker
  return { main, compatibilityDate, compatibilityFlags, objects, vars }
}

/** @throws UserError where a Worker has what only Cloudflare has */
export function mustBeServed({ worker: { others }, file }: Found): void {
  if (others.length === 0) return
  throw new UserError(
    'bad_worker',
    `What \`${file}\` says by ${others.map((one) => `\`${one}\``).join(', ')} this machine does not have.`,
    {
      hint: 'Durable Objects and variables are served here; `target: cloudflare` deploys to where there is more.',
    },
  )
}

function versionOf(
  row: ReleaseRow,
  how: Pick<Version, 'port' | 'healthSeconds'>,
  dir: string,
  env: TargetDeps['env'],
): Version {
  const { worker } = row.command
  if (!worker) throw new Error(`${row.id} is no Worker`)
  const { main, objects, compatibilityDate, compatibilityFlags, vars } = worker
  return {
    id: row.id,
    sha: row.sha,
    ...how,
    health: row.command.health,
    main: join(row.dir, main),
    compatibilityDate,
    compatibilityFlags: [...compatibilityFlags],
    objects: [...objects],
    // Asked for at each start: what the operator allows no more is given no more.
    vars: { ...vars, ...row.command.env, ...secretsOf(row, env) },
    log: serviceLog(dir, row.id),
  }
}
