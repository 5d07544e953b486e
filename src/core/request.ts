import type { Repository } from './task/types.ts'

const NAME =
  /(?:^|[\s(<])(?:https?:\/\/[\w.-]+\/)?([A-Za-z\d][\w-]{0,38})\/([\w.-]{1,100})(?:\/(?:issues|pull)\/\d{1,9})?(?=$|[\s),.;:!?>])/g

/** The repository that a request names (`acme/web`), where it names just one. */
export function repositoryIn(text: string): { readonly owner: string; readonly name: string } | undefined {
  const found = [...text.matchAll(NAME)].map(([, owner = '', name = '']) => ({
    owner,
    name: name.replace(/\.git$|[.]+$/g, ''),
  }))
  const different = new Map(found.map((one) => [`${one.owner}/${one.name}`.toLowerCase(), one]))
  return different.size === 1 ? found[0] : undefined
}

/** The words without the repository that they name only to say where: `deploy production in acme/web`. */
export function withoutRepository(text: string): string {
  const named = repositoryIn(text)
  if (!named) return text
  const name = `${named.owner}/${named.name}`.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  return text
    .replace(new RegExp(`,?[ \\t]*(?:\\b(?:in|on|for|of)[ \\t]+)?(?<![\\w/.])${name}(?=$|[\\s),.;:!?])`, 'gm'), '')
    .replace(/[ \t]+$/gm, '')
}

/** The title of what was asked for in a chat: its first line, without the command and the repository. */
export function titleOf(text: string, { owner, name }: Pick<Repository, 'owner' | 'name'>): string {
  const line = text.split('\n').find((one) => one.trim() !== '') ?? ''
  const words = line
    .replace(/^ {0,3}[@/]muster[,:]?\s*/i, '')
    .replace(/^(?:please\s+)?(?:build|plan|ask|link)\s+/i, '')
    .replaceAll(`${owner}/${name}`, '')
    .replace(/\b(?:in|on|for)\s*$/i, '')
    .replace(/\s+/g, ' ')
    .trim()
  const title = words === '' ? `A request for ${name}` : words
  return title.charAt(0).toUpperCase() + title.slice(1, 200)
}
