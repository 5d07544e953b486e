import { z } from 'zod'
import type { EnvironmentSettings } from '../../core/settings.ts'
import { span } from '../../core/span.ts'

const command = z.string().min(1).max(2000)

/** The keys of an environment on this machine, as they are written. */
export const LOCAL_KEYS = {
  build: command.optional().describe('Run once in the release folder before the start.'),
  start: command.describe('Starts the service; it must listen on $PORT.'),
  health: z.string().startsWith('/').default('/healthz').describe('Answers 2xx when the service can work.'),
  port: z.int().min(1).max(65535).describe('The port that people use; the built-in proxy listens there.'),
  health_timeout: span.default(30).describe('How long a new release may take until it is healthy.'),
  env: z
    .record(z.string().regex(/^[A-Z_][A-Z0-9_]*$/), z.string())
    .default({})
    .describe('Variables for the service. Not for secrets.'),
}

const Stored = z.object({
  build: z.string().optional(),
  start: z.string(),
  health: z.string(),
  port: z.number(),
  healthTimeoutSeconds: z.number(),
  env: z.record(z.string(), z.string()),
})
export type LocalSettings = z.infer<typeof Stored>

/** What this target stored of an environment. */
export function localSettings(settings: EnvironmentSettings): LocalSettings {
  return Stored.parse(settings)
}
