import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'

const Manifest = z.object({
  name: z.string(),
  url: z.string(),
  public: z.boolean(),
  default_permissions: z.record(z.string(), z.enum(['read', 'write'])),
  default_events: z.array(z.string()),
})
export type Manifest = z.infer<typeof Manifest>

/** `app.yml`: the one source of the app's permissions and events. */
export function readManifest(file: string | URL): Manifest {
  return Manifest.parse(parse(readFileSync(file, 'utf8')))
}

/** The manifest as GitHub wants it posted, for a server at `publicUrl`. @param hookUrl where webhooks are sent, if not there */
export function manifestFor(
  manifest: Manifest,
  publicUrl: string,
  hookUrl = `${publicUrl}/api/github/webhooks`,
): Record<string, unknown> {
  return {
    ...manifest,
    url: publicUrl,
    hook_attributes: { url: hookUrl, active: true },
    redirect_url: `${publicUrl}/setup/callback`,
    callback_urls: [`${publicUrl}/link/callback`],
    setup_url: `${publicUrl}/`,
    setup_on_update: false,
  }
}

const Conversion = z.object({
  id: z.number(),
  slug: z.string(),
  pem: z.string(),
  webhook_secret: z.string(),
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  html_url: z.string(),
})
export type Conversion = z.infer<typeof Conversion>

/** Exchanges the code of the manifest flow for the app's credentials. @throws Error when GitHub refuses it */
export async function convertManifest(apiUrl: string, code: string): Promise<Conversion> {
  const response = await fetch(`${apiUrl}/app-manifests/${encodeURIComponent(code)}/conversions`, {
    method: 'POST',
    headers: { accept: 'application/vnd.github+json', 'user-agent': 'muster' },
    signal: AbortSignal.timeout(30_000),
  })
  if (!response.ok) throw new Error(`GitHub answered ${response.status} to the manifest code`)
  return Conversion.parse(await response.json())
}
