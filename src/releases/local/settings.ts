import { z } from 'zod'
import type { EnvironmentSettings } from '../../core/settings.ts'
import { SECRETS_KEY, VARIABLE } from '../secrets.ts'
import { span } from '../../core/span.ts'

const command = z.string().min(1).max(2000)

/** The keys of any environment that is served on this machine. */
const SERVED_KEYS = {
  health: z.string().startsWith('/').default('/healthz').describe('Answers 2xx when the service can work.'),
  port: z.int().min(1).max(65535).describe('The port that people use; the built-in proxy listens there.'),
  health_timeout: span.default(30).describe('How long a new release may take until it is healthy.'),
  env: z.record(VARIABLE, z.string()).default({}).describe('Variables for the service. Not for secrets.'),
  secrets: SECRETS_KEY,
}

/** The keys of an environment of processes, as they are written. */
export const LOCAL_KEYS = {
  build: command.optional().describe('Run once in the release folder before the start.'),
  start: command.describe('Starts the service; it must listen on $PORT.'),
  ...SERVED_KEYS,
}

/** The keys of an environment of containers. */
export const CONTAINER_KEYS = {
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
  ...SERVED_KEYS,
}

const Port = z.object({
  health: z.string(),
  port: z.number(),
  healthTimeoutSeconds: z.number(),
  env: z.record(z.string(), z.string()),
  secrets: z.array(z.string()).default([]),
})
const Stored = Port.extend({ build: z.string().optional(), start: z.string() })

/** What is stored of any environment that is served on this machine. */
export function portSettings(settings: EnvironmentSettings): z.infer<typeof Port> {
  return Port.parse(settings)
}

/** What is stored of an environment of processes. */
export function localSettings(settings: EnvironmentSettings): z.infer<typeof Stored> {
  return Stored.parse(settings)
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

/** How the releases of an environment run. */
export function runsAs({ target }: EnvironmentSettings): 'process' | 'container' {
  return target === 'container' ? 'container' : 'process'
}
