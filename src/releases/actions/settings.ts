import { z } from 'zod'
import type { EnvironmentSettings } from '../../core/settings.ts'
import { span } from '../../core/span.ts'

/** The keys of an environment that a workflow deploys to, as they are written. */
export const ACTIONS_KEYS = {
  workflow: z
    .string()
    .regex(/^[\w.-]{1,100}\.ya?ml$/)
    .describe(
      'Its file in `.github/workflows`, which has `on: workflow_dispatch` with the inputs `sha`, `environment` and `release`.',
    ),
  url: z.url().max(2000).describe('Where people reach it.'),
  health: z.string().startsWith('/').default('/').describe('Answers 2xx at that address when the service can work.'),
  version: z
    .string()
    .startsWith('/')
    .optional()
    .describe(
      'Answers at that address with the SHA that is live. Without it that is what was deployed from here last.',
    ),
  timeout: span.default(1800).describe('How long a run may take; then it is cancelled.'),
  restore: z
    .boolean()
    .default(true)
    .describe('Whether an earlier commit may be deployed by the same workflow, to go back to it.'),
}

const Stored = z.object({
  workflow: z.string(),
  url: z.string(),
  health: z.string(),
  version: z.string().optional(),
  timeoutSeconds: z.number(),
  restore: z.boolean(),
})

/** What this target stored of an environment. */
export function actionsSettings(settings: EnvironmentSettings): z.infer<typeof Stored> {
  return Stored.parse(settings)
}
