import type { Env, EnvProblem } from '../core/environment.ts'

/** Secrets by their variables, of which the one before (`NAME_PREVIOUS`) still counts while a new one is being brought in. */
export type Previous = Readonly<Partial<Record<string, string>>>

/** Whoever has such a secret, a plug-in's channel too, asks for it by its variable: nothing here knows which there are. */
const PREVIOUS = /^(\w+_(?:SECRET|TOKEN|KEY))_PREVIOUS$/

export function readPrevious(env: Env, problems: EnvProblem[]): Previous {
  const found = Object.entries(env).flatMap(([variable, value]) => {
    const name = PREVIOUS.exec(variable)?.[1]
    if (name === undefined || !value) return []
    const wrong = !env[name]
      ? `is set, while ${name} itself is not`
      : value.length < 8
        ? 'is too short to be a secret'
        : undefined
    if (wrong) problems.push({ variable, wrong, example: `<what ${name} was before>` })
    return [[name, value] as const]
  })
  return Object.fromEntries(found)
}
