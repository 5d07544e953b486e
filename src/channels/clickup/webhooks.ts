import type { Tended } from '../types.ts'
import type { ClickupClient } from './client.ts'

/**
 * ClickUp suspends a webhook that has failed too often, and then says nothing any more. Muster's own are let deliver again;
 * what was missed meanwhile is found by catching up.
 * @param publicUrl where Muster's own webhooks lead
 */
export async function tendWebhooks(client: ClickupClient, team: string, publicUrl: string): Promise<Tended[]> {
  const own = (await client.webhooks(team)).filter(({ endpoint }) => endpoint.startsWith(`${publicUrl}/`))
  const stopped = own.filter(({ health }) => health?.status === 'suspended')
  for (const webhook of stopped) await client.activate(webhook)
  if (own.length === 0)
    return [{ text: `ClickUp has no webhook that leads to ${publicUrl}: nothing is heard from there`, isWrong: true }]
  return stopped.map(({ id }) => ({
    text: `ClickUp had suspended the webhook ${id}; it delivers again`,
    isWrong: false,
  }))
}
