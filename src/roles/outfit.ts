import { type Ecosystem, ecosystemOf, type RootFiles } from '../core/ecosystems.ts'
import { isPlain, MOST_PACKAGES, packageFolders, type PackageFiles } from '../core/packages.ts'
import type { RepositorySettings } from '../core/settings.ts'
import { builtKey, leavesOnlyBuilds, setupKey } from '../core/setup.ts'
import type { Repository } from '../core/task/types.ts'
import type { CheckoutOptions, Git, Machine, Outfit, TreeFile } from '../workspace/types.ts'
import type { CloneContext } from './types.ts'

/** What a commit takes before any of its commands is run. */
export interface Ground {
  readonly outfit: Outfit
  readonly files: readonly TreeFile[]
  readonly root: RootFiles
  readonly ecosystem: Ecosystem | undefined
}

/** What stands at the root of a commit. @param files all of its files, where they are known */
export async function rootFiles(
  git: Pick<Git, 'files' | 'show'>,
  repository: Repository,
  sha: string,
  files?: readonly TreeFile[],
): Promise<RootFiles> {
  const all = files ?? (await git.files(repository, sha))
  const names = new Set(all.map(({ path }) => path.split('/')[0] ?? ''))
  const text = async (name: string) => (names.has(name) ? git.show(repository, sha, name) : undefined)
  const root = { names: [...names], packageJson: await text('package.json'), makefile: await text('Makefile') }
  return ecosystemOf(root) ? root : { ...root, packages: await packagesIn(git, repository, sha, all) }
}

/** Packages in folders of their own; none where there are too many to run all of their tests. */
async function packagesIn(
  git: Pick<Git, 'show'>,
  repository: Repository,
  sha: string,
  files: readonly TreeFile[],
): Promise<PackageFiles[]> {
  const folders = packageFolders(files.map(({ path }) => path)).filter(isPlain)
  if (folders.length > MOST_PACKAGES) return []
  return Promise.all(
    folders.map(async (folder) => {
      const inside = files.filter(({ path }) => path.startsWith(`${folder}/`))
      const names = new Set(inside.map(({ path }) => path.slice(folder.length + 1).split('/')[0] ?? ''))
      const text = async (name: string) =>
        names.has(name) ? git.show(repository, sha, `${folder}/${name}`) : undefined
      const root = { names: [...names], packageJson: await text('package.json'), makefile: await text('Makefile') }
      return { folder, root }
    }),
  )
}

/** Which commit is looked at, and what its settings say of it. */
export interface GroundOf {
  readonly git: Pick<Git, 'files' | 'show'>
  readonly machine: Pick<Machine, 'outfit'>
  readonly repository: Repository
  readonly sha: string
  readonly checks: Pick<RepositorySettings['checks'], 'runtimes' | 'services' | 'image'>
  /** What is run there: the programs that they call are looked for. */
  readonly commands: readonly string[]
}

/** Looks at a commit without a clone: what it is, and what its commands are run with, as its settings say, else as its files do. */
export async function groundAt({ git, machine, repository, sha, checks, commands }: GroundOf): Promise<Ground> {
  const { runtimes = {}, services = [], image } = checks
  const files = await git.files(repository, sha)
  const paths = new Set(files.map(({ path }) => path))
  const read = (path: string) => git.show(repository, sha, path)
  const root = await rootFiles(git, repository, sha, files)
  const ecosystem = ecosystemOf(root)
  // A word that is no program brings nothing.
  const words = commands.flatMap((command) => command.split(/[^\w.-]+/))
  const programs = [...new Set([...(ecosystem?.programs ?? []), ...words])]
  const outfit = await machine.outfit({ files: paths, read, runtimes, services, image, programs })
  return { outfit, files, root, ecosystem }
}

/** What the clone of a commit takes before any of its commands is run. */
export function groundOf({ git, task, machine }: CloneContext, sha: string): Promise<Ground> {
  const { repository } = task.origin
  const { checks } = task.settings
  const commands = [checks.setup, checks.test, checks.testFiles].filter((command) => command !== undefined)
  return groundAt({ git, machine, repository, sha, checks, commands })
}

/** What stands for all that a set-up of this commit, and what is built of it, would depend on; undefined where there is none. */
export function keysOf(
  { task, machine }: CloneContext,
  { outfit, files, ecosystem }: Ground,
): Pick<CheckoutOptions, 'snapshot' | 'built'> {
  const { setup, setupNetwork, setupScripts: scripts = false } = task.settings.checks
  const { toolchains, services, image } = outfit
  const by = [...toolchains.map(({ tool, version }) => `${tool} ${version}`), ...services, ...(image ? [image] : [])]
  const network = setupNetwork && machine.setupNetwork
  const isBuilt = ecosystem?.builds !== undefined && (setup === undefined || leavesOnlyBuilds(setup, ecosystem.setup))
  return {
    snapshot: setup === undefined ? undefined : setupKey({ command: setup, network, scripts, files, by }),
    built: isBuilt ? builtKey({ command: setup ?? '', network, scripts, files, by }) : undefined,
  }
}
