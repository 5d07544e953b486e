import { z } from 'zod'
import type { EnvironmentSettings } from '../../core/settings.ts'
import type { ReleaseCommand } from '../types.ts'
import { IMAGE_KEYS, SERVICE_KEYS } from '../containers/settings.ts'

const command = z.string().min(1).max(2000)

/** The keys of any environment that is served on this machine. */
const SERVED_KEYS = {
  port: z.int().min(1).max(65535).describe('The port that people use; the built-in proxy listens there.'),
  ...SERVICE_KEYS,
}

/** The keys of an environment of processes, as they are written. */
export const LOCAL_KEYS = {
  build: command.optional().describe('Run once in the release folder before the start.'),
  start: command.describe('Starts the service; it must listen on $PORT.'),
  ...SERVED_KEYS,
}

/** The keys of an environment of containers. */
export const CONTAINER_KEYS = {
  ...IMAGE_KEYS,
  ...SERVED_KEYS,
}

/** A path within the repository. */
const file = z.string().regex(/^(?!\/)(?!.*\.\.)[\w./-]{1,200}$/, { error: 'a path within the repository' })

/** The keys of any environment of Cloudflare Workers, wherever it is. */
export const WORKER_KEYS = {
  build: command.optional().describe('Run once in the release folder: what it makes is deployed.'),
  main: file.optional().describe('The module that the build makes: `main` of `config` where nothing is said.'),
  config: file
    .optional()
    .describe(
      'The file that describes the Worker: `wrangler.jsonc`, `wrangler.json` or `wrangler.toml` where nothing is said.',
    ),
  section: z
    .string()
    .max(100)
    .optional()
    .describe('A section of `env` in that file, whose settings count before the others.'),
}

/** The keys of an environment of Workers and Durable Objects on this machine. */
export const OBJECT_KEYS = {
  ...WORKER_KEYS,
  ...SERVED_KEYS,
}

const Objects = z.object({
  build: z.string().optional(),
  config: z.string().optional(),
  section: z.string().optional(),
  main: z.string().optional(),
})

/** What is stored of an environment of Workers. */
export function objectSettings(settings: EnvironmentSettings): z.infer<typeof Objects> {
  return Objects.parse(settings)
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

/** How the releases of an environment run. */
export function runsAs({ target }: EnvironmentSettings): NonNullable<ReleaseCommand['runs']> {
  return RUNS[target] ?? 'process'
}
const RUNS: Readonly<Record<string, ReleaseCommand['runs']>> = { container: 'container', 'durable-objects': 'objects' }
