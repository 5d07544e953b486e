import type { Env, EnvProblem } from '../core/environment.ts'
import { OPEN_POLICY } from '../core/environments/gates.ts'
import type { EnvironmentSettings, RepositorySettings } from '../core/settings.ts'
import { allowedImages } from '../releases/containers/allowed.ts'
import { allowedPlaces, CLUSTERS, HOSTS, WORKERS } from '../releases/places.ts'
import { allowedMetrics } from '../releases/prometheus/client.ts'
import { allowedSecrets } from '../releases/secrets.ts'
import { type Parsed, parseRepositorySettings } from './repository.ts'

/** What the operator allows repositories to say about deploys; they may ask for more than that, never for less. */
export interface DeployLimits {
  /** How many people approve at least; 0: the repository may say that nobody needs to. */
  readonly approvals: number
  /** Whether repositories may deploy without being asked. */
  readonly auto: boolean
  /** Whether they may deploy what is not merged. */
  readonly branches: boolean
}

export function deployLimits(env: Env, problems: EnvProblem[]): DeployLimits {
  const approvals = Number(env['MUSTER_DEPLOY_APPROVALS'] || '0')
  if (!Number.isInteger(approvals) || approvals < 0 || approvals > 10)
    problems.push({
      variable: 'MUSTER_DEPLOY_APPROVALS',
      wrong: `"${env['MUSTER_DEPLOY_APPROVALS']}" is no number from 0 to 10`,
      example: '1',
    })
  const isOn = (variable: 'MUSTER_DEPLOY_AUTO' | 'MUSTER_DEPLOY_BRANCHES') => {
    const value = env[variable] || '1'
    if (value !== '0' && value !== '1')
      problems.push({ variable, wrong: `"${value}" is neither 0 nor 1`, example: '0' })
    return value === '1'
  }
  if (!allowedSecrets(env))
    problems.push({
      variable: 'MUSTER_DEPLOY_SECRETS',
      wrong: 'each is a repository, an environment and a variable, with colons between, and commas between several',
      example: 'acme/shop:production:FLY_API_TOKEN',
    })
  if (!allowedImages(env))
    problems.push({
      variable: 'MUSTER_DEPLOY_IMAGES',
      wrong: 'each is a repository, `=` and an image without its tag, with commas between several',
      example: 'acme/shop=ghcr.io/acme/shop',
    })
  for (const places of [HOSTS, CLUSTERS, WORKERS])
    if (!allowedPlaces(places, env))
      problems.push({
        variable: places.variable,
        wrong: `each is a repository, \`:\`, an environment, \`=\` and ${places.words}, with commas between several${places.isOwn ? ', each another one' : ''}`,
        example: `acme/shop:production=${places.words}`,
      })
  if (!allowedMetrics(env))
    problems.push({
      variable: 'MUSTER_DEPLOY_PROMETHEUS',
      wrong: 'each is a repository, `:`, an environment, `=` and an address, with commas between several',
      example: 'acme/shop:production=http://prometheus:9090',
    })
  return { approvals, auto: isOn('MUSTER_DEPLOY_AUTO'), branches: isOn('MUSTER_DEPLOY_BRANCHES') }
}

/** Reads a settings file as it counts under the operator's limits. */
export function settingsUnder(limits: DeployLimits): (text: string) => Parsed {
  return (text) => {
    const parsed = parseRepositorySettings(text)
    return parsed.ok ? { ok: true, settings: underLimits(parsed.settings, limits) } : parsed
  }
}

export function underLimits(settings: RepositorySettings, limits: DeployLimits): RepositorySettings {
  const environments = Object.entries(settings.environments).map(([name, one]) => [name, limited(one, limits)] as const)
  return { ...settings, environments: Object.fromEntries(environments) }
}

function limited(environment: EnvironmentSettings, { approvals, auto, branches }: DeployLimits): EnvironmentSettings {
  const { policy = OPEN_POLICY, approval } = environment
  const { branches: wants, ...rest } = policy
  return {
    ...environment,
    auto: environment.auto && auto,
    approval: approval === 'none' && approvals > 0 ? 'other' : approval,
    policy: {
      ...rest,
      ...(wants && branches ? { branches: true } : {}),
      approvals: Math.max(policy.approvals, approvals),
    },
  }
}
