import { existsSync, realpathSync } from 'node:fs'
import { join, sep } from 'node:path'
import type { Env } from '../../core/environment.ts'
import { UserError } from '../../core/errors.ts'
import type { RunResult } from '../../workspace/types.ts'
import type { ReleaseRow } from '../types.ts'
import { bareImage, mustBeAllowed } from './allowed.ts'

/** Calls an engine, wherever it is. */
export type Ask = (...args: string[]) => Promise<Pick<RunResult, 'exitCode' | 'output'>>

/** An image that somebody else has built: whatever its name says later, this one is what runs. @returns its digest @throws UserError */
export async function fetchedImage(ask: Ask, row: ReleaseRow, template: string, env: Env): Promise<string> {
  const image = template.replaceAll('{sha}', row.sha)
  mustBeAllowed(row.repository, image, env)
  const { exitCode, output } = await ask('pull', '--quiet', image)
  if (exitCode !== 0)
    throw new UserError('no_image', `The image ${image} could not be fetched: ${lastLine(output)}`, {
      hint: 'Has it been pushed, and may that machine read it? `podman login` or `docker login` by the account there lets it.',
    })
  const digests = await ask('image', 'inspect', '--format', '{{range .RepoDigests}}{{.}} {{end}}', image)
  // The same may be known by other names, too.
  const bare = bareImage(image)
  const names = digests.output.split(/\s+/)
  const digest = names.find((one) => one.startsWith(`${bare}@`) || one.endsWith(`/${bare}@${one.split('@')[1]}`))
  return digest ?? (await idOf(ask, image))
}

/** @throws UserError where there is none, or a link leads out of the commit's files */
export function recipeOf(dir: string, name: string): string {
  const file = join(dir, name)
  if (!existsSync(file))
    throw new UserError('no_dockerfile', `There is no \`${name}\` in this commit.`, {
      hint: 'The key `dockerfile` of the environment names another; `image` names one that is built elsewhere.',
    })
  if (!realpathSync(file).startsWith(realpathSync(dir) + sep))
    throw new UserError('no_dockerfile', `\`${name}\` is a link to a file that is not of this commit.`)
  return file
}

/** By what it contains. @throws UserError */
export async function idOf(ask: Ask, image: string): Promise<string> {
  const { exitCode, output } = await ask('image', 'inspect', '--format', '{{.Id}}', image)
  if (exitCode !== 0) throw new UserError('no_image', `The image ${image} is not on that machine.`)
  return output.trim()
}

/** What an engine said at last. */
export function lastLine(output: string): string {
  return (output.trim().split('\n').at(-1) ?? '').slice(0, 300)
}

/** @throws UserError where it failed */
export function mustBeBuilt({ exitCode, output }: Pick<RunResult, 'exitCode' | 'output'>): void {
  if (exitCode !== 0)
    throw new UserError('build_failed', `The image was not built (exit code ${exitCode}): ${lastLine(output)}`)
}
