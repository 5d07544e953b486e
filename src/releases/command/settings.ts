import { z } from 'zod'
import type { EnvironmentSettings } from '../../core/settings.ts'
import { span } from '../../core/span.ts'
import { SECRETS_KEY, VARIABLE } from '../secrets.ts'

/** A program and its arguments: no shell reads them. */
const argv = z
  .array(z.string().max(2000))
  .min(1)
  .max(100)
  .refine(([program]) => program !== '', 'the first is a program')

/** The keys of an environment that a command deploys to, as they are written. */
export const COMMAND_KEYS = {
  deploy: argv.describe(
    'Deploys the files of a commit, in a folder with them: a program and its arguments, no shell. `{sha}`, `{environment}` and `{release}` stand for what they say.',
  ),
  current: argv.optional().describe('Prints the SHA that is live. Without it that is what was deployed here last.'),
  restore: argv
    .optional()
    .describe('Goes back to `{sha}`, in a folder with its files. Without it nothing is taken back.'),
  url: z.url().max(2000).describe('Where people reach it.'),
  health: z.string().startsWith('/').default('/').describe('Answers 2xx at that address when the service can work.'),
  timeout: span.default(900).describe('How long a deploy may take; then it is ended, with all that it has started.'),
  env: z.record(VARIABLE, z.string()).default({}).describe('Variables for the commands. Not for secrets.'),
  secrets: SECRETS_KEY,
}

const Stored = z.object({
  deploy: z.array(z.string()),
  current: z.array(z.string()).optional(),
  restore: z.array(z.string()).optional(),
  url: z.string(),
  health: z.string(),
  timeoutSeconds: z.number(),
  env: z.record(z.string(), z.string()),
  secrets: z.array(z.string()),
})
export type CommandSettings = z.infer<typeof Stored>

/** What this target stored of an environment. */
export function commandSettings(settings: EnvironmentSettings): CommandSettings {
  return Stored.parse(settings)
}
