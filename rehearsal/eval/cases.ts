import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { messageOf, UserError } from '../../src/core/errors.ts'
import { type LocalRepository, localRepository } from '../../src/workspace/local.ts'
import { importFolder, shaOf } from '../github/git.ts'
import { readRequest, type Request } from '../own/request.ts'

/** `case.json`, as it is written. */
const CaseFile = z.strictObject({
  language: z.string().max(40).optional(),
  /** Programs without which the case is left out. */
  needs: z.array(z.string().regex(/^[\w.+-]+$/)).default([]),
  /** Runs the hidden tests, at the root of the repository; exit code 0: solved. */
  verify: z.string().min(1).max(2000),
  timeoutSeconds: z.int().min(1).max(7200).default(600),
  /** A git repository, or a folder with the files of the commit to begin with; from the folder of the case on. */
  repository: z.string().default('repo'),
  /** The commit to begin with, where it is a git repository. */
  base: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/)
    .optional(),
  /** What is said when something is asked that nobody can answer. */
  answer: z.string().max(2000).optional(),
})

/** One case: a repository at a commit, an issue, and tests that nobody sees before. */
export interface EvalCase extends z.infer<typeof CaseFile> {
  readonly name: string
  readonly request: Request
  /** The folder whose files are put over the result. */
  readonly hidden: string
  readonly folder: string
  /** A recorded story, where there is one. */
  readonly story: string | undefined
}

/** Every case below a folder, by name. @throws UserError where there is none, or one cannot be read */
export function readCases(dir: string, only: readonly string[] = []): EvalCase[] {
  if (!existsSync(dir)) throw new UserError('no_cases', `There is no folder ${dir}.`)
  const names = readdirSync(dir)
    .filter((name) => existsSync(join(dir, name, 'case.json')))
    .filter((name) => only.length === 0 || only.includes(name))
    .toSorted()
  const unknown = only.find((name) => !names.includes(name))
  if (names.length === 0 || unknown !== undefined)
    throw new UserError(
      'no_cases',
      unknown ? `There is no case "${unknown}" in ${dir}.` : `There are no cases in ${dir}.`,
      {
        hint: 'A case is a folder with a case.json; docs/eval.md says what stands in it.',
      },
    )
  return names.map((name) => readCase(resolve(dir, name), name))
}

function readCase(folder: string, name: string): EvalCase {
  const [hidden, story] = [join(folder, 'hidden'), join(folder, 'story.json')]
  let json: unknown
  try {
    json = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'))
  } catch (error) {
    throw new UserError('bad_case', `${join(folder, 'case.json')} is no JSON: ${messageOf(error)}`)
  }
  const parsed = CaseFile.safeParse(json)
  if (!parsed.success)
    throw new UserError('bad_case', `${join(folder, 'case.json')} is no case:\n${z.prettifyError(parsed.error)}`)
  if (!existsSync(hidden) || !statSync(hidden).isDirectory())
    throw new UserError('bad_case', `The case ${name} has no folder "hidden" with the tests that judge it.`)
  const request = readRequest(join(folder, 'issue.md'))
  return { ...parsed.data, name, request, hidden, folder, story: existsSync(story) ? story : undefined }
}

/** The repository of a case at its base. @param dir for what has to be made on the way */
export async function repositoryOf(one: EvalCase, dir: string): Promise<LocalRepository> {
  const source = resolve(one.folder, one.repository)
  const isGit = one.base !== undefined || existsSync(join(source, '.git')) || existsSync(join(source, 'HEAD'))
  if (isGit) return { ...(await localRepository(source, one.base)), branch: 'main' }
  if (!existsSync(source)) throw new UserError('bad_case', `The case ${one.name} has no repository ${source}.`)
  // The same files are the same commit, whenever it is made: stories hold.
  const made = join(dir, `${one.name}.git`)
  await importFolder(made, source, 'eval', one.name)
  const sha = await shaOf(made, 'main')
  if (!sha) throw new UserError('bad_case', `${source} is empty.`)
  return { path: made, sha, branch: 'main', uncommitted: 0 }
}
