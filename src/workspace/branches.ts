import type { OpenBranch } from '../core/elsewhere.ts'

const AGE_MS = 60 * 24 * 3_600_000
/** Each takes git three calls. */
const MOST = 40
const MOST_COMMITS = 30
const MOST_OF_A_NAME = 100

/** Calls git on a bare copy. @throws UserError when it fails */
export type Must = (args: readonly string[]) => Promise<string>

/** The branches that are not merged into a commit. */
export async function openBranches(must: Must, into: string, now = Date.now()): Promise<OpenBranch[]> {
  const format = '--format=%(objectname)%09%(committerdate:unix)%09%(refname:short)%09%(authorname)'
  const refs = await must([
    'for-each-ref',
    '--sort=-committerdate',
    `--count=${MOST}`,
    `--no-merged=${into}`,
    format,
    'refs/heads',
  ])
  const found: OpenBranch[] = []
  for (const line of refs.split('\n').filter(Boolean)) {
    // The last of them may have any sign, and any length.
    const [sha = '', seconds = '', name = '', ...words] = line.split('\t')
    const author = words.join(' ').slice(0, MOST_OF_A_NAME)
    const at = Number(seconds) * 1000
    if (now - at > AGE_MS) break
    const files = await must(['diff', '--name-only', '-z', '--no-renames', '--no-ext-diff', `${into}...${sha}`]).catch(
      () => '',
    )
    const log = await must(['log', `--max-count=${MOST_COMMITS}`, '--format=%s', `${into}..${sha}`])
    found.push({ name, sha, author, at, files: files.split('\0').filter(Boolean), subjects: log.split('\n') })
  }
  return found
}
