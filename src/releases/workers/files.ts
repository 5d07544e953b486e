import { existsSync } from 'node:fs'
import { lstat, readFile, realpath } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { UserError } from '../../core/errors.ts'
import { CONFIG_FILES, type Worker, workerIn } from './config.ts'

const MAX_CONFIG = 1_000_000

/** Which Worker of a repository is meant. */
export interface Where {
  /** The file that describes it; undefined: the first of `CONFIG_FILES`. */
  readonly config?: string | undefined
  /** A section of it. */
  readonly section?: string | undefined
}

/** A Worker among the files of a commit. */
export interface Found {
  readonly worker: Worker
  /** The file that describes it, from the top of the files. */
  readonly file: string
}

/** @param name as people know it @throws UserError where a link leads out of the files of the commit */
export async function mustBeInside(dir: string, path: string, name: string): Promise<void> {
  const [top, real] = await Promise.all([realpath(dir), realpath(path)])
  if (real !== top && !real.startsWith(top + sep))
    throw new UserError('bad_worker', `\`${name}\` is a link that leads out of this commit.`)
}

/**
 * The module that is served: what a build has made, as one bundle or with what it imports beside it.
 * @param named the one that is meant where the file that describes the Worker names its source
 * @throws UserError where there is none
 */
export function moduleIn(dir: string, { worker, file }: Found, named: string | undefined): string {
  // As wrangler reads it: from where the file is that names it.
  const main = named ?? (worker.main === undefined ? undefined : join(dirname(file), worker.main))
  if (!main || !/^(?!\/)(?!.*\.\.)[\w./-]+\.m?js$/.test(main))
    throw new UserError(
      'bad_worker',
      main ? `\`${main}\` is no JavaScript module of this commit.` : `\`${file}\` names no module (\`main\`).`,
      {
        hint: 'Name what the build makes by `main` of the environment: `wrangler deploy --dry-run --outdir dist` makes `dist/index.js`.',
      },
    )
  if (existsSync(join(dir, main))) return main
  throw new UserError('bad_worker', `There is no \`${main}\` once it is built.`)
}

/** @param dir a folder with the files of a commit @throws UserError where none is described, or not as it must be */
export async function workerAt(dir: string, { config, section }: Where): Promise<Found> {
  for (const file of config ? [config] : CONFIG_FILES) {
    const path = join(dir, file)
    const stats = await lstat(path).catch(() => undefined)
    if (!stats) continue
    await mustBeInside(dir, path, file)
    if (!stats.isFile() || stats.size > MAX_CONFIG)
      throw new UserError('bad_worker', `\`${file}\` is no file of 1 MB at most.`)
    return { worker: workerIn(await readFile(path, 'utf8'), file, section), file }
  }
  throw new UserError('no_worker', `This commit has no \`${config ?? CONFIG_FILES.join('`, `')}\`.`, {
    hint: 'It describes the Worker, as for `wrangler`; `config` of the environment names another file.',
  })
}
