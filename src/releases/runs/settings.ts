import { z } from 'zod'
import type { EnvironmentSettings } from '../../core/settings.ts'
import { span } from '../../core/span.ts'

/** The keys of any environment that somebody else deploys to. */
const RUN_KEYS = {
  url: z.url().max(2000).describe('Where people reach it.'),
  health: z.string().startsWith('/').default('/').describe('Answers 2xx at that address when the service can work.'),
  version: z
    .string()
    .startsWith('/')
    .optional()
    .describe(
      'Answers at that address with the SHA that is live. Without it that is what was deployed from here last.',
    ),
  timeout: span.default(1800).describe('How long a deploy may take; then it is cancelled.'),
  restore: z
    .boolean()
    .default(true)
    .describe('Whether an earlier commit may be deployed the same way, to go back to it.'),
}

/** Of one that a workflow deploys to. */
export const ACTIONS_KEYS = {
  workflow: z
    .string()
    .regex(/^[\w.-]{1,100}\.ya?ml$/)
    .describe(
      'Its file in `.github/workflows`, which has `on: workflow_dispatch` with the inputs `sha`, `environment` and `release`.',
    ),
  ...RUN_KEYS,
}

/** Of one that another system deploys to, which hears of deployments. */
export const DEPLOYMENTS_KEYS = {
  task: z
    .string()
    .regex(/^[\w:.-]{1,50}$/)
    .default('ship')
    .describe('The task of the deployment on GitHub, which tells that system that it is to ship.'),
  ...RUN_KEYS,
}

/** Of one whose workflow waits for Muster. */
export const ENVIRONMENT_KEYS = RUN_KEYS

const Stored = z.object({
  workflow: z.string().optional(),
  task: z.string().optional(),
  url: z.string(),
  health: z.string(),
  version: z.string().optional(),
  timeoutSeconds: z.number(),
  restore: z.boolean(),
})

/** What these targets stored of an environment; `by` is what is started. */
export function runSettings(settings: EnvironmentSettings): z.infer<typeof Stored> & { readonly by: string } {
  const stored = Stored.parse(settings)
  return { ...stored, by: stored.workflow ?? stored.task ?? '' }
}
