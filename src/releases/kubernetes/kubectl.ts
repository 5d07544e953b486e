import type { Env } from '../../core/environment.ts'
import { UserError } from '../../core/errors.ts'
import { findProgram } from '../../workspace/programs.ts'
import { run, type SpawnOptions } from '../../workspace/spawn.ts'
import type { Environment } from '../types.ts'
import { CLUSTERS, placeOf } from '../places.ts'

const SHORT_MS = 60_000
const MAX_PRINTED = 20_000_000
/** What kubectl, and whatever gives it its credentials, reads. */
const ENV =
  /^(PATH|HOME|USER|KUBECONFIG|KUBE_.*|AWS_.*|AZURE_.*|GOOGLE_.*|CLOUDSDK_.*|USE_GKE_.*|HTTPS?_PROXY|NO_PROXY|SSL_CERT_.*)$/

type Options = Pick<SpawnOptions, 'signal' | 'stdin'> & { readonly timeoutMs?: number }

/** The cluster and namespace of an environment. */
export class Kubectl {
  readonly #args: readonly string[]

  /** @throws UserError where the operator names none for it */
  constructor(environment: Pick<Environment, 'repository' | 'name'>, env: Env) {
    const { at, part } = placeOf(CLUSTERS, environment, env)
    this.#args = [`--context=${at}`, `--namespace=${part}`]
  }

  /** @returns what it printed @throws UserError where it failed, with what it said */
  async run(args: readonly string[], options: Options = {}): Promise<string> {
    const { exitCode, printed, said } = await this.try(args, options)
    if (exitCode === 0) return printed
    throw new UserError('kubectl', `The cluster did not do it: ${firstLines(said)}`)
  }

  try(args: readonly string[], options: Options = {}): Promise<Printed> {
    const env = Object.entries(process.env).flatMap(([name, value]) =>
      value !== undefined && ENV.test(name.toUpperCase()) ? [[name, value] as const] : [],
    )
    return printedBy(kubectl(), [...this.#args, ...args], { ...options, env: Object.fromEntries(env) })
  }

  /** What there is, read. @throws UserError where it cannot be asked */
  async json(...args: readonly string[]): Promise<unknown> {
    return JSON.parse(await this.run([...args, '--output=json']))
  }
}

interface Printed {
  readonly exitCode: number
  readonly printed: string
  /** What it said beside that. */
  readonly said: string
}

/** Warnings are no part of what is read. */
async function printedBy(
  program: string,
  args: readonly string[],
  { stdin = '', timeoutMs = SHORT_MS, ...more }: Options & Pick<SpawnOptions, 'env' | 'cwd'>,
): Promise<Printed> {
  const parts: Buffer[] = []
  let size = 0
  const { exitCode, output } = await run(program, args, {
    ...more,
    timeoutMs,
    talk: ({ input, output: out }) => {
      input.on('error', () => {})
      input.end(stdin)
      out.on('data', (part: Buffer) => void ((size += part.length) <= MAX_PRINTED && parts.push(part)))
    },
  })
  if (size > MAX_PRINTED) throw new UserError('kubectl', 'The cluster told more than is read.')
  return { exitCode, printed: Buffer.concat(parts).toString('utf8'), said: output }
}

/** Builds what a `kustomization.yaml` says, with nothing of the operator's. @throws UserError */
export async function kustomized(dir: string, signal: AbortSignal | undefined): Promise<string> {
  return rendered(kubectl(), ['kustomize', dir], dir, signal)
}

/** Renders a chart. @throws UserError */
export async function charted(
  name: string,
  dir: string,
  values: readonly string[],
  namespace: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const helm = findProgram('helm')
  if (!helm)
    throw new UserError('no_helm', 'The manifests are a Helm chart, and `helm` is not on this machine.', {
      hint: 'The operator installs it beside kubectl.',
    })
  const args = ['template', name, dir, `--namespace=${namespace}`, ...values.map((one) => `--values=${one}`)]
  return rendered(helm, args, dir, signal)
}

async function rendered(
  program: string,
  args: readonly string[],
  cwd: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', HOME: cwd }
  const { exitCode, printed, said } = await printedBy(program, args, { cwd, env, signal })
  if (exitCode === 0) return printed
  throw new UserError('bad_manifest', `The manifests cannot be built: ${firstLines(said)}`)
}

function kubectl(): string {
  const found = findProgram('kubectl')
  if (found) return found
  throw new UserError('no_kubectl', '`kubectl` is not on this machine.', { hint: 'The operator installs it.' })
}

function firstLines(output: string): string {
  return output.trim().split('\n').slice(0, 5).join(' ').slice(0, 500)
}
