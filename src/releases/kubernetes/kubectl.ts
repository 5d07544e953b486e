import type { Env } from '../../core/environment.ts'
import { UserError } from '../../core/errors.ts'
import { findProgram } from '../../workspace/programs.ts'
import type { SpawnOptions } from '../../workspace/spawn.ts'
import { CLUSTERS, placeOf } from '../places.ts'
import { type Printed, printedBy } from '../printed.ts'
import type { Environment, TargetDeps } from '../types.ts'

const SHORT_MS = 60_000
const MAX_PRINTED = 20_000_000
/** What a program ends with whose time was up (`workspace/spawn.ts`). */
const LATE = 124
/** What kubectl, and whatever gives it its credentials, reads. */
const ENV =
  /^(PATH|HOME|USER|KUBECONFIG|KUBE_.*|AWS_.*|AZURE_.*|GOOGLE_.*|CLOUDSDK_.*|USE_GKE_.*|HTTPS?_PROXY|NO_PROXY|SSL_CERT_.*)$/

type Options = Pick<SpawnOptions, 'signal' | 'stdin'> & { readonly timeoutMs?: number }

/** The cluster and namespace of an environment. */
export class Kubectl {
  readonly #args: readonly string[]
  readonly #redact: (text: string) => string

  /** @throws UserError where the operator names none for it */
  constructor(
    environment: Pick<Environment, 'repository' | 'name'>,
    { env, redact }: { readonly env: Env } & Pick<TargetDeps, 'redact'>,
  ) {
    const { at, part } = placeOf(CLUSTERS, environment, env)
    this.#args = [`--context=${at}`, `--namespace=${part}`]
    this.#redact = redact
  }

  /** @returns what it printed @throws UserError where it failed, with what it said */
  async run(args: readonly string[], options: Options = {}): Promise<string> {
    const { exitCode, printed, said } = await this.try(args, options)
    if (exitCode === 0) return printed
    const why = exitCode === LATE && said.trim() === '' ? 'it did not answer in time' : firstLines(said)
    throw new UserError('kubectl', `The cluster did not do it: ${why}`)
  }

  async try(args: readonly string[], { timeoutMs = SHORT_MS, ...more }: Options = {}): Promise<Printed> {
    const env = Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && ENV.test(name.toUpperCase()) ? [[name, value] as const] : [],
    )
    const options = { ...more, timeoutMs, env: Object.fromEntries(env) }
    const result = await printedBy(program(), [...this.#args, ...args], options, MAX_PRINTED)
    if (result.isCut) throw new UserError('kubectl', 'The cluster told more than is read.')
    return { ...result, said: this.#redact(result.said) }
  }

  /** What there is, read; undefined where there is none of that name. @throws UserError where it cannot be asked */
  async json(...args: readonly string[]): Promise<unknown> {
    const text = await this.run(['get', ...args, '--ignore-not-found', '--output=json'])
    return text.trim() === '' ? undefined : JSON.parse(text)
  }
}

function program(): string {
  const found = findProgram('kubectl')
  if (found) return found
  throw new UserError('no_kubectl', '`kubectl` is not on this machine.', { hint: 'The operator installs it.' })
}

/** What a program said, for people. */
export function firstLines(output: string): string {
  return output.trim().split('\n').slice(0, 5).join(' ').slice(0, 500)
}
