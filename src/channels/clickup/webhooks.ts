import type { ClickupClient } from './client.ts'

/** Said where only people can mend what is wrong. */
export const UNHEARD = 'nothing is heard from there'

/**
 * ClickUp suspends a webhook that has failed too often, and then says nothing any more. Muster's own are let deliver again;
 * what was missed meanwhile is found by catching up.
 * @param publicUrl where Muster's own webhooks lead
 * @returns what was done, for the operator
 */
export async function tendWebhooks(client: ClickupClient, team: string, publicUrl: string): Promise<string[]> {
  const own = (await client.webhooks(team)).filter(({ endpoint }) => endpoint.startsWith(`${publicUrl}/`))
  const stopped = own.filter(({ health }) => health?.status === 'suspended')
  for (const webhook of stopped) await client.activate(webhook)
  const done = stopped.map(({ id }) => `ClickUp had suspended the webhook ${id}; it delivers again`)
  return own.length > 0 ? done : [`ClickUp has no webhook that leads to ${publicUrl}: ${UNHEARD}`]
}
