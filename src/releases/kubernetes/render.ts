import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../core/errors.ts'
import { findProgram } from '../../workspace/programs.ts'
import type { TargetDeps } from '../types.ts'
import { firstLines } from './kubectl.ts'

/**
 * Kustomize and Helm read what a repository says, and Kustomize calls git for bases that are elsewhere: they run where a repository's own
 * commands do, without network, credentials or other files.
 */

const RENDER_MS = 2 * 60_000
const MAX_RENDERED = 4_000_000
const RENDERED = 'rendered.yaml'
/** Also where there are no walls: nothing is fetched, and no settings of the commit's count. */
const NO_GIT = { GIT_ALLOW_PROTOCOL: '', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' }

type Deps = Pick<TargetDeps, 'sandbox' | 'redact'>

/** Builds what a `kustomization.yaml` says. @param dir a folder with the files @param path of it, relative @throws UserError */
export async function kustomized(deps: Deps, dir: string, path: string, signal?: AbortSignal): Promise<string> {
  return rendered(deps, dir, ['kubectl', 'kustomize', path], signal)
}

/** Renders a chart, without its hooks and tests: they are for whoever installs by Helm. @throws UserError */
export async function charted(
  deps: Deps,
  dir: string,
  { name, path, values, namespace }: { name: string; path: string; values: readonly string[]; namespace: string },
  signal?: AbortSignal,
): Promise<string> {
  if (!findProgram('helm'))
    throw new UserError('no_helm', 'The manifests are a Helm chart, and `helm` is not on this machine.', {
      hint: 'The operator installs it beside kubectl.',
    })
  const options = ['--no-hooks', '--skip-tests', '--is-upgrade', `--namespace=${namespace}`]
  const argv = ['helm', 'template', name, path, ...options, ...values.map((one) => `--values=${one}`)]
  return rendered(deps, dir, argv, signal)
}

async function rendered(
  { sandbox, redact }: Deps,
  dir: string,
  argv: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  if (!sandbox) throw new UserError('no_sandbox', 'There is no sandbox here in which manifests could be built.')
  const { exitCode, output } = await sandbox.run({
    dir,
    argv: ['/bin/sh', '-c', `"$@" > ${RENDERED}`, 'sh', ...argv],
    env: NO_GIT,
    timeoutMs: RENDER_MS,
    signal,
  })
  if (exitCode !== 0)
    throw new UserError(
      'bad_manifest',
      `The manifests cannot be built: ${firstLines(redact(output)) || 'it took too long'}`,
    )
  const file = join(dir, RENDERED)
  const { size } = await lstat(file)
  if (size <= MAX_RENDERED) return readFile(file, 'utf8')
  throw new UserError('bad_manifest', 'The manifests are larger than is taken: 4 MB.')
}
