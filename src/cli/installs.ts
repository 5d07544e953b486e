import { z } from 'zod'
import { get, type Remote, send } from './remote.ts'
import type { Print } from './types.ts'

const Installs = z.object({
  items: z.array(z.object({ channel: z.string(), account: z.string(), name: z.string(), installedAt: z.string() })),
})
const Invitation = z.object({ url: z.string() })

/** `muster install list`: where Muster is installed. */
export async function listInstalls(remote: Remote, print: Print): Promise<void> {
  const { items } = await get(remote, '/installs', Installs)
  if (items.length === 0) return print('Muster is installed nowhere yet. `muster install add slack` begins.')
  for (const { channel, account, name, installedAt } of items)
    print(`${channel.padEnd(8)} ${account.padEnd(28)} ${name} · ${installedAt.slice(0, 10)}`)
}

/** `muster install add`: an address for whoever may consent there. */
export async function inviteInstall(remote: Remote, channel: string, print: Print): Promise<void> {
  const { url } = Invitation.parse(await send(remote, 'POST', `/installs/${encodeURIComponent(channel)}`))
  print(`Open this in a browser, within half an hour and once:\n\n  ${url}`)
}

/** `muster install remove`: gives the tokens back. */
export async function removeInstall(remote: Remote, channel: string, account: string, print: Print): Promise<void> {
  await send(remote, 'DELETE', `/installs/${encodeURIComponent(channel)}/${encodeURIComponent(account)}`)
  print(`Muster is not connected to ${account} on ${channel} any more.`)
}
