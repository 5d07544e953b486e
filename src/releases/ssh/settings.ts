import { z } from 'zod'
import type { EnvironmentSettings } from '../../core/settings.ts'
import { IMAGE_KEYS, SERVICE_KEYS } from '../containers/settings.ts'

/** The keys of an environment on a host behind its HAProxy, as they are written. */
export const SSH_KEYS = {
  ...IMAGE_KEYS,
  ...SERVICE_KEYS,
  url: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .describe('Where people reach it: the front of that HAProxy.'),
}

const Stored = z.object({
  url: z.string(),
  health: z.string(),
  healthTimeoutSeconds: z.number(),
  env: z.record(z.string(), z.string()),
  secrets: z.array(z.string()).default([]),
})

/** What this target stored of an environment. */
export function sshSettings(settings: EnvironmentSettings): z.infer<typeof Stored> {
  return Stored.parse(settings)
}
