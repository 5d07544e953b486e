import { resolve } from 'node:path'
import { readSettings } from '../../src/config/env.ts'
import { missingProviders } from '../../src/llm/needed.ts'
import { PROVIDERS } from '../../src/llm/registry.ts'
import { type Env, packagesFolder } from '../../src/core/environment.ts'
import { UserError } from '../../src/core/errors.ts'
import { variablesOf } from '../../src/core/registries.ts'

/** What else of the environment a server needs that asks models: the ways out, and what the operator allows. */
const ALSO = [
  'MUSTER_MODELS',
  'MUSTER_PRICES',
  'MUSTER_PLUGINS',
  'MUSTER_SETUP_NETWORK',
  'MUSTER_SETUP_HOSTS',
  'MUSTER_CONTAINERS',
  'MUSTER_REGISTRIES',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'NODE_EXTRA_CA_CERTS',
]

/**
 * What of the environment reaches a server that asks real models, and nothing else of it.
 * @param model serves every tier
 * @throws UserError where a model that was chosen is not set up
 */
export function modelEnv(env: Env, model: string | undefined): Record<string, string> {
  const registries = variablesOf(env['MUSTER_REGISTRIES'])
  const names = [...PROVIDERS.all().flatMap(({ variables }) => variables), ...ALSO, ...registries]
  const passed = names.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []))
  const found = { ...Object.fromEntries(passed), ...(model ? { MUSTER_MODELS: everyTier(model) } : {}) }
  const [missing] = missingProviders(readSettings(found))
  if (missing)
    throw new UserError('no_key', `A real model is wanted, and ${missing.title} is not set up: set ${missing.needs}.`, {
      hint: 'MUSTER_MODELS chooses other models.',
    })
  // The server on the stage has data of its own; packages and languages stay where they are.
  const { MUSTER_TOOLCHAINS: toolchains } = env
  const languages = toolchains ? { MUSTER_TOOLCHAINS: resolve(toolchains) } : {}
  return { ...found, ...languages, MUSTER_PLUGINS_DIR: resolve(packagesFolder(env)) }
}

/** `--model provider:model`, as `MUSTER_MODELS` has it. @throws UserError where it is none */
export function everyTier(model: string): string {
  const [, provider = ''] = /^([\w/-]+):./.exec(model) ?? []
  if (!PROVIDERS.named(provider))
    throw new UserError('bad_model', `"${model}" names no model.`, {
      hint: `It is written provider:model, where the provider is ${PROVIDERS.names().join(' or ')}: anthropic:claude-sonnet-5-5, for instance.`,
    })
  return ['complex', 'general', 'simple'].map((tier) => `${tier}=${model}`).join(',')
}
