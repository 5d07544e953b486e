import { z } from 'zod'
import type { EnvironmentSettings } from '../../core/settings.ts'
import { span } from '../../core/span.ts'
import { SECRETS_KEY, VARIABLE } from '../secrets.ts'

/** What a container is run of, and with, as it is written. */
export const IMAGE_KEYS = {
  image: z
    .string()
    .regex(/^[a-z\d][\w.:/-]{0,300}\{sha\}[\w.-]{0,100}$/, { error: 'an image with `{sha}` in its tag' })
    .optional()
    .describe(
      'The image, with `{sha}` for the commit: fetched, and run by its digest. Without it one is built of the commit.',
    ),
  dockerfile: z
    .string()
    .regex(/^(?!\/)(?!.*\.\.)[\w./-]{1,200}$/)
    .optional()
    .describe('How the image is built, from the top of the repository: `Dockerfile` where nothing is said.'),
  listens: z
    .int()
    .min(1)
    .max(65535)
    .default(8080)
    .describe('The port on which the service listens inside; `$PORT` says so.'),
  memory: z
    .string()
    .regex(/^\d+[kmg]$/)
    .optional()
    .describe('So much memory at most, such as `512m`.'),
  cpus: z.number().min(0.1).max(256).optional().describe('So many processors at most.'),
}

/** What any service is started with by Muster. */
export const SERVICE_KEYS = {
  health: z.string().startsWith('/').default('/healthz').describe('Answers 2xx when the service can work.'),
  health_timeout: span.default(30).describe('How long a new release may take until it is healthy.'),
  env: z.record(VARIABLE, z.string()).default({}).describe('Variables for the service. Not for secrets.'),
  secrets: SECRETS_KEY,
}

const Container = z.object({
  image: z.string().optional(),
  dockerfile: z.string().optional(),
  listens: z.number(),
  memory: z.string().optional(),
  cpus: z.number().optional(),
})

/** What is stored of an environment of containers. */
export function containerSettings(settings: EnvironmentSettings): z.infer<typeof Container> {
  return Container.parse(settings)
}
