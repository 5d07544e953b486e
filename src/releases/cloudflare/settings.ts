import { z } from 'zod'
import type { EnvironmentSettings } from '../../core/settings.ts'
import { WORKER_KEYS } from '../local/settings.ts'
import { span } from '../../core/span.ts'
import { SECRETS_KEY, VARIABLE } from '../secrets.ts'

/** The keys of an environment on Cloudflare, as they are written. */
export const CLOUDFLARE_KEYS = {
  ...WORKER_KEYS,
  url: z.url().max(2000).describe('Where people reach it.'),
  health: z.string().startsWith('/').default('/').describe('Answers 2xx at that address when the Worker can work.'),
  health_timeout: span.default(30).describe('How long a new version may take until it is healthy.'),
  env: z.record(VARIABLE, z.string()).default({}).describe('Variables for the Worker. Not for secrets.'),
  secrets: SECRETS_KEY,
}

const Stored = z.object({
  build: z.string().optional(),
  config: z.string().optional(),
  section: z.string().optional(),
  main: z.string().optional(),
  url: z.string(),
  health: z.string(),
  healthTimeoutSeconds: z.number(),
  env: z.record(z.string(), z.string()),
  secrets: z.array(z.string()).default([]),
})

/** What is stored of such an environment. */
export function cloudflareSettings(settings: EnvironmentSettings): z.infer<typeof Stored> {
  return Stored.parse(settings)
}
