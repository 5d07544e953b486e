import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative, sep } from 'node:path'
import { UserError } from '../../core/errors.ts'
import type { ApplyInput, Environment, TargetDeps } from '../types.ts'
import { prepared } from './manifests.ts'
import { charted, kustomized } from './render.ts'
import { type KubernetesSettings, kubernetesSettings } from './settings.ts'

/** All files together, so that they are read in no time. */
const MAX_BYTES = 2_000_000
const FILES = 'files'

type Commit = Pick<ApplyInput, 'sha' | 'releaseId' | 'unpack' | 'signal'>

/** What is applied of a commit. @param namespace for charts that name it @throws UserError where its manifests cannot be built */
export async function manifestsOf(
  deps: Pick<TargetDeps, 'sandbox' | 'redact'>,
  { settings }: Environment,
  { sha, releaseId, unpack, signal }: Commit,
  namespace: string,
): Promise<string> {
  const own = kubernetesSettings(settings)
  const dir = await realpath(await mkdtemp(join(tmpdir(), 'muster-manifests-')))
  try {
    const root = join(dir, FILES)
    await mkdir(root)
    await unpack(root)
    const texts = await textsOf(deps, { dir, root, own, namespace, signal })
    return prepared(texts, own, { sha, release: releaseId })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

interface Unpacked {
  /** A folder, and the one in it with the commit's files. */
  readonly dir: string
  readonly root: string
  readonly own: KubernetesSettings
  readonly namespace: string
  readonly signal: AbortSignal
}

/** What Kustomize or Helm makes of them, or the files as they are. */
async function textsOf(deps: Pick<TargetDeps, 'sandbox' | 'redact'>, { dir, root, own, namespace, signal }: Unpacked) {
  const top = await inside(root, own.manifests)
  const names = (await stat(top)).isDirectory() ? await readdir(top) : []
  const path = relative(dir, top)
  if (names.some((name) => /^kustomization\.ya?ml$|^Kustomization$/.test(name)))
    return { [own.manifests]: await kustomized(deps, dir, path, signal) }
  if (!names.includes('Chart.yaml')) return textsIn(top)
  const values = (await Promise.all(own.values.map((one) => inside(root, one)))).map((one) => relative(dir, one))
  const chart = { name: own.deployment, path, values, namespace }
  return { [own.manifests]: await charted(deps, dir, chart, signal) }
}

/** @throws UserError where it is not there, or a link leads out of the commit's files */
async function inside(root: string, path: string): Promise<string> {
  const found = await realpath(join(root, path)).catch(() => undefined)
  if (found === undefined) throw new UserError('no_manifests', `There is no \`${path}\` in this commit.`)
  if (found !== root && !found.startsWith(root + sep))
    throw new UserError('no_manifests', `\`${path}\` leads out of this commit's files.`)
  return found
}

/** One file of YAML, or those in a folder and below. @throws UserError where not all of it can be taken: half of it would be worse than nothing */
async function textsIn(top: string): Promise<Readonly<Record<string, string>>> {
  const isFolder = (await stat(top)).isDirectory()
  const names = isFolder ? (await readdir(top, { recursive: true })).toSorted() : ['']
  const texts: [string, string][] = []
  let bytes = 0
  for (const name of names.filter((one) => !isFolder || /\.ya?ml$|\.json$/.test(one))) {
    const file = join(top, name)
    const at = await lstat(file)
    if (at.isDirectory()) continue
    if (!at.isFile()) throw new UserError('bad_manifest', `\`${name}\` is no file of its own; links are not followed.`)
    bytes += at.size
    if (bytes > MAX_BYTES) throw new UserError('bad_manifest', 'The manifests are larger than is taken: 2 MB together.')
    texts.push([name || basename(top), await readFile(file, 'utf8')])
  }
  if (texts.length === 0) throw new UserError('no_manifests', 'There are no manifests in that folder.')
  return Object.fromEntries(texts)
}
