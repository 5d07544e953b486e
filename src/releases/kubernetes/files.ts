import { lstat, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { UserError } from '../../core/errors.ts'
import type { ApplyInput, Environment } from '../types.ts'
import { charted, kustomized } from './kubectl.ts'
import { prepared } from './manifests.ts'
import { kubernetesSettings } from './settings.ts'

const MAX_FILE = 1_000_000
const MAX_FILES = 500

/** What is applied of a commit. @param namespace for charts that name it @throws UserError where its manifests cannot be built */
export async function manifestsOf(
  { settings }: Environment,
  { sha, releaseId, unpack, signal }: Pick<ApplyInput, 'sha' | 'releaseId' | 'unpack' | 'signal'>,
  namespace: string,
): Promise<string> {
  const own = kubernetesSettings(settings)
  const dir = await mkdtemp(join(tmpdir(), 'muster-manifests-'))
  try {
    await unpack(dir)
    const top = await inside(dir, own.manifests)
    const names = (await readdir(top)).toSorted()
    const texts = names.some((name) => /^kustomization\.ya?ml$|^Kustomization$/.test(name))
      ? { [own.manifests]: await kustomized(top, signal) }
      : names.includes('Chart.yaml')
        ? { [own.manifests]: await charted(own.deployment, top, await valuesOf(dir, own.values), namespace, signal) }
        : await textsIn(top)
    return prepared(texts, own, { sha, release: releaseId })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function valuesOf(dir: string, values: readonly string[]): Promise<string[]> {
  return Promise.all(values.map((one) => inside(dir, one)))
}

/** @throws UserError where it is not there, or a link leads out of the commit's files */
async function inside(dir: string, path: string): Promise<string> {
  const [top, found] = await Promise.all([realpath(dir), realpath(join(dir, path)).catch(() => undefined)])
  if (found === undefined) throw new UserError('no_manifests', `There is no \`${path}\` in this commit.`)
  if (found !== top && !found.startsWith(top + sep))
    throw new UserError('no_manifests', `\`${path}\` leads out of this commit's files.`)
  return found
}

/** Files of YAML in a folder and below; what is a link is not followed. */
async function textsIn(top: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(top, { recursive: true })).filter((name) => /\.ya?ml$|\.json$/.test(name)).toSorted()
  const texts: [string, string][] = []
  for (const name of names.slice(0, MAX_FILES)) {
    const file = join(top, name)
    const at = await lstat(file)
    const isWithin = (await realpath(file)).startsWith(top + sep)
    if (at.isFile() && isWithin && at.size <= MAX_FILE) texts.push([name, await readFile(file, 'utf8')])
  }
  if (texts.length === 0) throw new UserError('no_manifests', 'There are no manifests in that folder.')
  return Object.fromEntries(texts)
}
