import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Env } from '../../core/environment.ts'
import { call, type Engine, engineEnv } from '../../workspace/container.ts'
import { run } from '../../workspace/spawn.ts'
import { mayUseLocal } from '../containers/allowed.ts'
import { idOf, mustBeBuilt, recipeOf } from '../containers/images.ts'
import { BUILD_MS, MAX_LOG, tagOf } from '../containers/options.ts'
import type { ReleaseRow } from '../types.ts'
import { buildLog } from './log.ts'
import type { Preparing } from './runner.ts'
import { containerSettings } from '../containers/settings.ts'

/** An image of the commit's own files. @param dir the data folder @returns its id @throws UserError */
export async function builtImage(
  engine: Engine,
  row: ReleaseRow,
  { settings, unpack, signal, env, dir }: Preparing & { readonly env: Env; readonly dir: string },
): Promise<string> {
  await unpack(row.dir)
  const file = recipeOf(row.dir, containerSettings(settings).dockerfile ?? 'Dockerfile')
  // What is on this machine is other repositories' as well.
  const pull = mayUseLocal(row.repository, env) ? [] : ['--pull=true']
  const result = await withoutLogins((more) =>
    run(engine.program, [...engine.args, 'build', ...pull, '--tag', tagOf(row), '--file', file, row.dir], {
      cwd: row.dir,
      env: { ...engineEnv(), ...more },
      timeoutMs: BUILD_MS,
      signal,
    }),
  )
  await writeFile(buildLog(dir, row.id), result.output.slice(-MAX_LOG), { mode: 0o600 })
  mustBeBuilt(result)
  return idOf((...args) => call(engine, args), tagOf(row))
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
