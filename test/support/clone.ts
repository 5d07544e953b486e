import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importFolder } from '../../rehearsal/github/git.ts'
import type { Repository } from '../../src/core/task/types.ts'
import { toolsFor } from '../../src/tools/tools.ts'
import { hostGit } from '../../src/workspace/git.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import type { Checkout } from '../../src/workspace/types.ts'
import { SANDBOX } from './isolation.ts'

export const repository: Repository = { id: 1, owner: 'acme', name: 'x', defaultBranch: 'main', installationId: 1 }
export const never = new AbortController().signal
const sandbox = openSandbox(SANDBOX)

/** A host's git with one small repository, whose remote answers to nobody. */
export async function smallRepository() {
  const dir = mkdtempSync(join(tmpdir(), 'muster-git-'))
  const files = join(dir, 'files')
  mkdirSync(join(files, 'src'), { recursive: true })
  writeFileSync(join(files, 'src/a.txt'), 'one\ntwo\nthree\n')
  writeFileSync(join(files, '.gitattributes'), '*.txt filter=evil\n')
  const remote = join(dir, 'remote.git')
  await importFolder(remote, files, 'alice', 'first')
  const remotes = {
    remote: () => Promise.resolve({ url: `http://127.0.0.1:9/`, authorization: 'x' }),
    askedToWait: async () => undefined,
  }
  const git = hostGit(dir, remotes, sandbox)
  cpSync(remote, join(dir, 'repos', '1.git'), { recursive: true })
  const sha = execFileSync('git', ['--git-dir', remote, 'rev-parse', 'main']).toString().trim()
  const inClone = async <T>(use: (checkout: Checkout) => Promise<T>): Promise<T> => {
    const checkout = await git.checkout(repository, sha, never)
    try {
      return await use(checkout)
    } finally {
      await checkout.dispose()
    }
  }
  return { dir, git, remote, sha, inClone, dispose: () => rmSync(dir, { recursive: true, force: true }) }
}

/** A tool, as SD calls it. */
export const call = (checkout: Checkout, name: string, input: unknown) => {
  const tool = toolsFor(['read', 'write', 'run'], 'sd').find((one) => one.name === name)
  return tool?.call(input, {
    checkout,
    timeoutMs: 20_000,
    mayWrite: (path) => ({ ok: !path.startsWith('.github/'), detail: 'protected' }),
  })
}
