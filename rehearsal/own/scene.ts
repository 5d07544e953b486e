import { basename } from 'node:path'
import { copyRepository, type LocalRepository } from '../../src/workspace/local.ts'
import { git } from '../github/git.ts'
import type { Scene } from '../stage.ts'

/** Who plays: whoever runs it. */
export const YOU = 'you'

/** A repository of this machine on the rehearsal's GitHub, with one person: whoever runs it. */
export function ownScene(repository: LocalRepository): Scene {
  return {
    owner: YOU,
    name: nameOf(repository),
    people: { [YOU]: 'admin' },
    async bring(dir) {
      await copyRepository(repository, dir)
      await git(dir, ['config', 'http.receivepack', 'true'])
      return repository.branch
    },
  }
}

/** As GitHub would take it. */
function nameOf({ path }: LocalRepository): string {
  const name = basename(path)
    .replace(/\.git$/, '')
    .replace(/[^\w.-]+/g, '-')
  return /^[\w-]/.test(name) ? name.slice(0, 90) : `repository${name.slice(0, 80)}`
}
