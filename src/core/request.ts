import type { Command } from './command.ts'
import { withoutEnd } from './text.ts'
import type { Repository } from './task/types.ts'

const NAME =
  /(?:^|[\s(<])(?:https?:\/\/[\w.-]+\/)?([A-Za-z\d][\w-]{0,38})\/([\w.-]{1,100})(?:\/(?:issues|pull)\/\d{1,9})?(?=$|[\s),.;:!?>])/g

interface Named {
  readonly owner: string
  readonly name: string
}

/** So many are looked up: a text is not a list. */
const MAX_NAMED = 4

/** Whatever in a request may be the name of a repository (`acme/web`; but `src/cart.ts` reads the same), by its address or bare. */
export function repositoriesIn(text: string): readonly Named[] {
  const found = [...text.matchAll(NAME)].map(([, owner = '', name = '']) => ({
    owner,
    name: withoutEnd(name.replace(/\.git$/, ''), '.'),
  }))
  return [...new Map(found.map((one) => [`${one.owner}/${one.name}`.toLowerCase(), one])).values()].slice(0, MAX_NAMED)
}

/** The words without a repository that they name only to say where: `deploy production in acme/web`. */
export function withoutRepository(text: string, { owner, name }: Named): string {
  const full = `${owner}/${name}`.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return text
    .replace(
      new RegExp(`,?[ \\t]{0,3}(?:\\b(?:in|on|for|of)[ \\t]{1,3})?(?<![\\w/.])${full}(?=$|[\\s),.;:!?])`, 'gim'),
      '',
    )
    .split('\n')
    .map((line) => withoutEnd(line, ' \t'))
    .join('\n')
}

/** Verbs that are no part of what is asked for: "build the list" says so, "fix the list" says what. */
const BARE: ReadonlySet<Command['verb']> = new Set(['build', 'plan', 'ask'])

/** What was asked for in a chat, without the mention. @param command what the words were read as; undefined: as none */
export function requestOf(text: string, command: Command | undefined): string {
  if (command && BARE.has(command.verb) && 'text' in command) return command.text
  return text.replace(/^ {0,3}[@/]muster[,:]?\s*/i, '')
}

/** The title of what was asked for in a chat: its first line, without the repository. */
export function titleOf(request: string, { owner, name }: Pick<Repository, 'owner' | 'name'>): string {
  const line = request.split('\n').find((one) => one.trim() !== '') ?? ''
  const words = line
    .replaceAll(`${owner}/${name}`, '')
    .replace(/\b(?:in|on|for)\s*$/i, '')
    .replace(/\s+/g, ' ')
    .trim()
  const title = words === '' ? `A request for ${name}` : words
  return title.charAt(0).toUpperCase() + title.slice(1, 200)
}
