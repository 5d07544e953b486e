import { existsSync, realpathSync } from 'node:fs'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join, sep } from 'node:path'
import { z } from 'zod'
import type { Env } from '../../core/environment.ts'
import { UserError } from '../../core/errors.ts'
import { call, type Engine, engineEnv } from '../../workspace/container.ts'
import { run } from '../../workspace/spawn.ts'
import type { ReleaseRow } from '../types.ts'
import { bareImage, mayUseLocal, mustBeAllowed } from './allowed.ts'
import { buildLog } from './log.ts'
import type { Preparing } from './runner.ts'
import { containerSettings } from './settings.ts'

const BUILD_MS = 30 * 60_000
const MAX_LOG = 60_000

/** The name of the image that is built of a release. */
export function tagOf({ id }: Pick<ReleaseRow, 'id'>): string {
  return `localhost/muster:${id}`
}

/** An image that somebody else has built: whatever its name says later, this one is what runs. @returns its digest @throws UserError */
export async function fetchedImage(engine: Engine, row: ReleaseRow, template: string, env: Env): Promise<string> {
  const image = template.replaceAll('{sha}', row.sha)
  mustBeAllowed(row.repository, image, env)
  const { exitCode, output } = await call(engine, ['pull', '--quiet', image])
  if (exitCode !== 0)
    throw new UserError('no_image', `The image ${image} could not be fetched: ${lastLine(output)}`, {
      hint: 'Has it been pushed, and may this machine read it? `podman login` or `docker login` by Muster’s account lets it.',
    })
  const digests = await call(engine, ['image', 'inspect', '--format', '{{range .RepoDigests}}{{.}} {{end}}', image])
  // The same may be known by other names, too.
  const bare = bareImage(image)
  const names = digests.output.split(/\s+/)
  const digest = names.find((one) => one.startsWith(`${bare}@`) || one.endsWith(`/${bare}@${one.split('@')[1]}`))
  return digest ?? (await idOf(engine, image))
}

/** An image of the commit's own files. @param dir the data folder @returns its id @throws UserError */
export async function builtImage(
  engine: Engine,
  row: ReleaseRow,
  { settings, unpack, signal, env, dir }: Preparing & { readonly env: Env; readonly dir: string },
): Promise<string> {
  await unpack(row.dir)
  const file = recipeOf(row, containerSettings(settings).dockerfile ?? 'Dockerfile')
  // What is on this machine is other repositories' as well.
  const pull = mayUseLocal(row.repository, env) ? [] : ['--pull=true']
  const { exitCode, output } = await withoutLogins((more) =>
    run(engine.program, [...engine.args, 'build', ...pull, '--tag', tagOf(row), '--file', file, row.dir], {
      cwd: row.dir,
      env: { ...engineEnv(), ...more },
      timeoutMs: BUILD_MS,
      signal,
    }),
  )
  await writeFile(buildLog(dir, row.id), output.slice(-MAX_LOG), { mode: 0o600 })
  if (exitCode !== 0)
    throw new UserError('build_failed', `The image was not built (exit code ${exitCode}): ${lastLine(output)}`)
  return idOf(engine, tagOf(row))
}

/** @throws UserError where there is none, or a link leads out of the commit's files */
function recipeOf({ dir }: ReleaseRow, name: string): string {
  const file = join(dir, name)
  if (!existsSync(file))
    throw new UserError('no_dockerfile', `There is no \`${name}\` in this commit.`, {
      hint: 'The key `dockerfile` of the environment names another; `image` names one that is built elsewhere.',
    })
  if (!realpathSync(file).startsWith(realpathSync(dir) + sep))
    throw new UserError('no_dockerfile', `\`${name}\` is a link to a file that is not of this commit.`)
  return file
}

async function idOf(engine: Engine, image: string): Promise<string> {
  const { exitCode, output } = await call(engine, ['image', 'inspect', '--format', '{{.Id}}', image])
  if (exitCode !== 0) throw new UserError('no_image', `The image ${image} is not on this machine.`)
  return output.trim()
}

const DockerConfig = z.looseObject({
  auths: z.unknown().optional(),
  credsStore: z.unknown().optional(),
  credHelpers: z.unknown().optional(),
})

/** A commit says what its image is built of: it is given nothing that the engine alone may read. What else Docker is set to stays. */
async function withoutLogins<T>(work: (env: Readonly<Record<string, string>>) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'muster-logins-'))
  const own = process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker')
  try {
    const text = await readFile(join(own, 'config.json'), 'utf8').catch(() => '{}')
    const { auths: _auths, credsStore: _store, credHelpers: _helpers, ...rest } = DockerConfig.parse(JSON.parse(text))
    await writeFile(join(dir, 'config.json'), JSON.stringify(rest))
    await writeFile(join(dir, 'none.json'), '{}')
    for (const name of ['contexts', 'cli-plugins'])
      if (existsSync(join(own, name))) await symlink(join(own, name), join(dir, name))
    return await work({ REGISTRY_AUTH_FILE: join(dir, 'none.json'), DOCKER_CONFIG: dir })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function lastLine(output: string): string {
  return (output.trim().split('\n').at(-1) ?? '').slice(0, 300)
}
