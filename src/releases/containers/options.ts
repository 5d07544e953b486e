import { UserError } from '../../core/errors.ts'
import type { ContainerCommand, ReleaseRow } from '../types.ts'
import { lastLine } from './images.ts'

export const BUILD_MS = 30 * 60_000
/** So much of what is printed is kept. */
export const MAX_LOG = 60_000
export const LOG_LINES = 200

/** The name of the image that is built of a release. */
export function tagOf({ id }: Pick<ReleaseRow, 'id'>): string {
  return `localhost/muster:${id}`
}

/** The name of its container. */
export function nameOf({ id }: Pick<ReleaseRow, 'id'>): string {
  return `muster-${id}`
}

/** How it is run. @param publish where its port is reached: `127.0.0.1:8101` @param more options beside */
export function optionsOf(
  row: ReleaseRow,
  { listens, memory, cpus }: ContainerCommand,
  publish: string,
  more: readonly string[] = [],
): string[] {
  const env = { ...row.command.env, PORT: `${listens}` }
  return [
    '--detach',
    `--name=${nameOf(row)}`,
    '--pull=never',
    `--publish=${publish}:${listens}`,
    '--security-opt=no-new-privileges',
    `--label=muster.environment=${row.repository} ${row.environment}`,
    `--label=muster.sha=${row.sha}`,
    ...(memory ? [`--memory=${memory}`] : []),
    ...(cpus ? [`--cpus=${cpus}`] : []),
    ...Object.entries(env).map(([key, value]) => `--env=${key}=${value}`),
    ...more,
  ]
}

/** Why it does not run. */
export function notStarted(output: string, hint: string): UserError {
  return new UserError('start_failed', `The container was not started: ${lastLine(output)}`, {
    hint,
  })
}
