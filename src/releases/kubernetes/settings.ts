import { z } from 'zod'
import type { EnvironmentSettings } from '../../core/settings.ts'
import { span } from '../../core/span.ts'

/** Names that Kubernetes takes (RFC 1123). */
const NAME = /^[a-z\d]([a-z\d.-]{0,251}[a-z\d])?$/
/** A folder or file of the repository. */
const PATH = /^(?!\/)(?!.*\.\.)[\w./-]{1,200}$/

/** The keys of an environment in a cluster, as they are written. */
export const KUBERNETES_KEYS = {
  deployment: z.string().regex(NAME).describe('The Deployment that serves it: its rollout is waited for.'),
  manifests: z
    .string()
    .regex(PATH)
    .default('deploy')
    .describe(
      'The folder with the manifests: with a `kustomization.yaml`, a Helm chart (`Chart.yaml`), or files alone.',
    ),
  values: z.array(z.string().regex(PATH)).max(20).default([]).describe('Files with values, for a Helm chart.'),
  image: z
    .string()
    .regex(/^[a-z\d][\w.:/-]{0,300}\{sha\}[\w.-]{0,100}$/, { error: 'an image with `{sha}` in its tag' })
    .optional()
    .describe('The image that the Deployment runs, with `{sha}` for the commit. Without it what the manifests say.'),
  container: z.string().regex(NAME).optional().describe('The container that runs that image, where there are several.'),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2000)
    .describe('Where people reach it.'),
  health: z.string().startsWith('/').default('/').describe('Answers 2xx at that address when the service can work.'),
  timeout: span.default(600).describe('How long a rollout may take; then it is taken back.'),
}

const Stored = z.object({
  deployment: z.string(),
  manifests: z.string(),
  values: z.array(z.string()),
  image: z.string().optional(),
  container: z.string().optional(),
  url: z.string(),
  health: z.string(),
  timeoutSeconds: z.number(),
})
export type KubernetesSettings = z.infer<typeof Stored>

/** What this target stored of an environment. */
export function kubernetesSettings(settings: EnvironmentSettings): KubernetesSettings {
  return Stored.parse(settings)
}
