import type { Repository } from '../../core/task/types.ts'
import type { GithubClient } from './client.ts'

/** Pictures that people put into an issue. Where they are stored, GitHub's own rendering says, with an address that lets whoever has it look. */

const MOST = 4
const MAX_BYTES = 1_500_000
const PATIENCE_MS = 15_000
/** Where github.com keeps what people attach. Whatever else is shown in an issue may be anywhere, and is not asked for. */
const STORAGE = new Set(['private-user-images.githubusercontent.com', 'user-images.githubusercontent.com'])

export async function pictures(
  client: GithubClient,
  repository: Repository,
  number: number,
  text: string,
): Promise<readonly Uint8Array[]> {
  const octokit = await client.on(repository, { issues: 'read', metadata: 'read' })
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/issues/{issue_number}', {
    owner: repository.owner,
    repo: repository.name,
    issue_number: number,
    headers: { accept: 'application/vnd.github.full+json' },
  })
  // What was put there after somebody asked for the work is not what they saw.
  if (!data.body_html || wordsIn(data.body ?? '') !== wordsIn(text)) return []
  const addresses = picturesIn(data.body_html, client.serverUrl)
  const found = await Promise.all(addresses.map(bytesAt))
  return found.filter((one) => one !== undefined)
}

/** A text without how its lines end and what space there is. */
function wordsIn(text: string): string {
  return text.split(/\s+/).filter(Boolean).join(' ')
}

/** Where the pictures of an issue are, of those that its server itself stores. @param html as GitHub renders it */
export function picturesIn(html: string, serverUrl: string): readonly string[] {
  const own = new URL(serverUrl)
  const tags = html.split('<img').slice(1)
  const all = tags.map((tag) => / src="([^"\s]{1,2000})"/.exec(tag.slice(0, tag.indexOf('>')))?.[1] ?? '')
  const stored = all
    .map((address) => address.replaceAll('&amp;', '&'))
    .filter((address) => {
      if (!URL.canParse(address)) return false
      const { protocol, host, hostname } = new URL(address)
      return (
        host === own.host || (protocol === 'https:' && (STORAGE.has(hostname) || hostname === `media.${own.hostname}`))
      )
    })
  return [...new Set(stored)].slice(0, MOST)
}

/** @returns undefined where there is none, or too much of it */
async function bytesAt(address: string): Promise<Uint8Array | undefined> {
  try {
    const response = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(PATIENCE_MS) })
    if (!response.ok || !response.body) return undefined
    const parts: Uint8Array[] = []
    let size = 0
    for await (const part of response.body) {
      size += part.length
      if (size > MAX_BYTES) return undefined
      parts.push(part)
    }
    return Buffer.concat(parts)
  } catch {
    return undefined
  }
}
