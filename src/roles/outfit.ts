import { ecosystemOf } from '../core/ecosystems.ts'
import type { Outfit } from '../workspace/types.ts'
import type { CloneContext } from './types.ts'

/** What a repository's commands are run with: as its settings say, else as its files at this commit do. */
export async function outfitOf({ git, task, machine }: CloneContext, sha: string): Promise<Outfit> {
  const { repository } = task.origin
  const { runtimes = {}, services = [], image, setup, test, testFiles } = task.settings.checks
  const files = new Set((await git.files(repository, sha)).map(({ path }) => path))
  const read = (path: string) => git.show(repository, sha, path)
  const text = async (path: string) => (files.has(path) ? read(path) : undefined)
  const names = [...new Set([...files].map((path) => path.split('/')[0] ?? ''))]
  const root = { names, packageJson: await text('package.json'), makefile: await text('Makefile') }
  const commands = [setup, test, testFiles].filter((command) => command !== undefined)
  // A word that is no program brings nothing.
  const words = commands.flatMap((command) => command.split(/[^\w.-]+/))
  return machine.outfit({
    files,
    read,
    runtimes,
    services,
    image,
    programs: [...new Set([...(ecosystemOf(root)?.programs ?? []), ...words])],
  })
}
