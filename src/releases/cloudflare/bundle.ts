import { existsSync } from 'node:fs'
import { cp, lstat, mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../core/errors.ts'
import { type Found, moduleIn, mustBeInside, type Where, workerAt } from '../workers/files.ts'

const MAX_FILES = 2000

/** What is uploaded: a folder of its own, with the modules that a build has made and a description that runs nothing. */
export interface Bundle extends Found {
  /** The file that describes it to `wrangler`. */
  readonly config: string
}

/** What is said to Cloudflare as it is written. Whatever else names files, or programs of this machine, that a repository may not choose. */
const SAID =
  `compatibility_date compatibility_flags durable_objects migrations kv_namespaces r2_buckets d1_databases queues services workflows
  analytics_engine_datasets vectorize hyperdrive ai browser images version_metadata mtls_certificates tail_consumers send_email secrets_store_secrets
  ratelimits pipelines limits placement observability logpush triggers routes route workers_dev preview_urls`.split(
    /\s+/,
  )
/** What does not matter any more once it is built, or is the operator's to say. */
const LEFT_OUT =
  `$schema name account_id main base_dir rules build no_bundle minify keep_names tsconfig jsx_factory jsx_fragment find_additional_modules
  preserve_file_names upload_source_maps define alias dev send_metrics legacy_env env vars assets keep_vars`.split(
    /\s+/,
  )

const Assets = z.looseObject({ directory: z.string().regex(/^(?!\/)(?!.*\.\.)[\w./-]{1,200}$/) })

/**
 * Copies what is to be uploaded. Links are not followed: they would lead out of the files of the commit.
 * @param dir the files of the commit, built @param to an empty folder @param vars added to the Worker's own
 * @throws UserError where it is not as it must be
 */
export async function bundled(
  dir: string,
  to: string,
  where: Where & { readonly main?: string | undefined },
  vars: Readonly<Record<string, string>>,
): Promise<Bundle> {
  const found = await workerAt(dir, where)
  const main = moduleIn(dir, found, where.main)
  const from = dirname(join(dir, main))
  await plainOnly(dir, from)
  await mkdir(to, { recursive: true })
  await cp(from, join(to, 'modules'), { recursive: true })
  const { raw } = found.worker
  const unknown = found.worker.others.filter((key) => !SAID.includes(key) && !LEFT_OUT.includes(key))
  if (unknown.length > 0)
    throw new UserError(
      'bad_worker',
      `\`${found.file}\` says ${unknown.map((key) => `\`${key}\``).join(', ')}, which Muster does not deploy.`,
    )
  const kept = Object.fromEntries(Object.entries(raw).filter(([key]) => SAID.includes(key)))
  const assets = await copiedAssets(dir, to, found)
  const config = join(to, 'wrangler.json')
  const all = {
    ...kept,
    ...assets,
    main: `modules/${basename(main)}`,
    base_dir: 'modules',
    no_bundle: true,
    find_additional_modules: true,
    rules: [{ type: 'ESModule', globs: ['**/*.js', '**/*.mjs'] }],
    vars: { ...found.worker.vars, ...vars },
  }
  await writeFile(config, JSON.stringify(all))
  return { ...found, config }
}

/** Files that are served as they are. */
async function copiedAssets(dir: string, to: string, { worker, file }: Found): Promise<object> {
  if (worker.raw['assets'] === undefined) return {}
  const parsed = Assets.safeParse(worker.raw['assets'])
  if (!parsed.success)
    throw new UserError('bad_worker', `\`${file}\` cannot be used: \`assets.directory\` is no folder of this commit.`)
  // As wrangler reads it: from where that file is.
  const from = join(dir, dirname(file), parsed.data.directory)
  await plainOnly(dir, from)
  await cp(from, join(to, 'assets'), { recursive: true })
  return { assets: { ...parsed.data, directory: 'assets' } }
}

async function plainOnly(dir: string, folder: string): Promise<void> {
  if (existsSync(folder)) await mustBeInside(dir, folder, basename(folder))
  const names = await readdir(folder, { recursive: true }).catch(() => {
    throw new UserError('bad_worker', `There is no folder \`${basename(folder)}\` once it is built.`)
  })
  if (names.length > MAX_FILES)
    throw new UserError('bad_worker', 'The folder of the module has more files than is taken: 2,000.', {
      hint: 'Have the build write to a folder of its own, such as `dist`.',
    })
  for (const name of names) {
    const stats = await lstat(join(folder, name))
    if (!stats.isFile() && !stats.isDirectory())
      throw new UserError('bad_worker', `\`${name}\` beside the module is a link: it would lead elsewhere.`)
  }
}
