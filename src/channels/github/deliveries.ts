import type { GithubClient } from './client.ts'
import { pagesOf } from './pages.ts'

const DAYS_3 = 3 * 86_400_000
const MAX_PAGES = 50

/**
 * Asks GitHub to send again what it could not deliver while Muster was down: it never does so by itself (limits.md).
 * @param isKnown whether a delivery with this GUID is in the inbox
 * @returns how many were asked for
 */
export async function redeliverMissed(
  { app }: GithubClient,
  isKnown: (guid: string) => Promise<boolean>,
  now: number,
): Promise<number> {
  const asked = new Set<string>()
  const pages = app.paginate.iterator('GET /app/hook/deliveries', { per_page: 100 })
  for await (const data of pagesOf(pages, 'deliveries', [], MAX_PAGES))
    for (const delivery of data) {
      // Without an answer there is no status code; what is still being delivered says so.
      const failed =
        delivery.status !== 'OK' &&
        delivery.status !== 'pending' &&
        !(delivery.status_code >= 200 && delivery.status_code < 300)
      if (Date.parse(delivery.delivered_at) < now - DAYS_3) return asked.size
      if (!failed || asked.has(delivery.guid) || (await isKnown(delivery.guid))) continue
      asked.add(delivery.guid)
      await app.request('POST /app/hook/deliveries/{delivery_id}/attempts', { delivery_id: Number(delivery.id) })
    }
  return asked.size
}
