import { z } from 'zod'
import { UserError } from '../core/errors.ts'
import { get, type Remote, send } from './remote.ts'
import type { Print } from './types.ts'

const People = z.object({
  items: z.array(
    z.object({
      channel: z.string(),
      account: z.string(),
      member: z.string(),
      name: z.string(),
      githubId: z.number(),
      login: z.string(),
      how: z.string(),
      linkedAt: z.string(),
    }),
  ),
})
const Account = z.object({ id: z.number(), login: z.string() })

/** `muster people list`: who is who. */
export async function listPeople(remote: Remote, print: Print): Promise<void> {
  const { items } = await get(remote, '/people', People)
  if (items.length === 0) return print('Nobody is linked yet.')
  for (const one of items)
    print(
      `${one.login.padEnd(20)} ${one.channel.padEnd(8)} ${one.account.padEnd(16)} ${one.member.padEnd(14)} ${one.name} · ${one.how}, ${one.linkedAt.slice(0, 10)}`,
    )
}

/** `muster people link`: the operator vouches. The login is looked up, so that the number is GitHub's own. */
export async function linkPerson(
  remote: Remote,
  githubApi: string,
  who: { channel: string; account: string; member: string; login: string },
  print: Print,
): Promise<void> {
  const answer = await fetch(`${githubApi}/users/${encodeURIComponent(who.login)}`, {
    headers: { accept: 'application/vnd.github+json', 'user-agent': 'muster' },
    signal: AbortSignal.timeout(20_000),
  })
  if (!answer.ok)
    throw new UserError('no_account', `GitHub does not show an account "${who.login}" (${answer.status}).`, {
      hint: 'Check the name, and GITHUB_API_URL.',
    })
  const { id, login } = Account.parse(await answer.json())
  await send(remote, 'POST', '/people', { ...who, login, githubId: id })
  print(`${who.member} on ${who.channel} is ${login} on GitHub.`)
}

/** `muster people unlink`. */
export async function unlinkPerson(
  remote: Remote,
  who: { channel: string; account: string; member: string },
  print: Print,
): Promise<void> {
  const path = [who.channel, who.account, who.member].map(encodeURIComponent).join('/')
  await send(remote, 'DELETE', `/people/${path}`)
  print(`${who.member} on ${who.channel} is nobody on GitHub any more.`)
}
