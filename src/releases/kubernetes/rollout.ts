import { UserError } from '../../core/errors.ts'
import type { Kubectl } from './kubectl.ts'
import { type Meant, meantBy, whyNotReady } from './standing.ts'

/** Server-side apply: the server says what is wrong, and whoever else changes something is overruled in what the manifests say. */
const BY_SERVER = ['--server-side', '--field-manager=muster', '--force-conflicts', '--filename=-']
export const APPLY = ['apply', ...BY_SERVER, '--validate=false']
/** What would differ. */
export const DIFF = ['diff', ...BY_SERVER]
export const APPLY_MS = 5 * 60_000
/** How much longer than it was told to wait kubectl is waited for. */
const SLACK_MS = 30_000
const AGAIN_MS = 2000
/** What it says where the time was up, or the cluster itself has given up: all else is that it could not be looked at. */
const OVER = /timed out|deadline exceeded|exceeded its progress deadline/i

export interface Rollout {
  readonly deployment: string
  /** The release, as its pods are marked. */
  readonly release: string
  readonly seconds: number
  readonly signal?: AbortSignal | undefined
}

/** A Deployment as it is meant to be; undefined where there is none. */
export async function meantIn(kubectl: Kubectl, deployment: string): Promise<Meant | undefined> {
  const found = await kubectl.json('deployment', deployment)
  return found === undefined ? undefined : meantBy(found)
}

/** Waits until every pod is replaced; what cannot be looked at for a while is looked at again. @throws UserError where that does not come about in time, with what the pods say */
export async function untilRolledOut(
  kubectl: Kubectl,
  { deployment, release, seconds, signal }: Rollout,
): Promise<void> {
  const until = Date.now() + seconds * 1000
  for (;;) {
    const left = Math.max(1, Math.ceil((until - Date.now()) / 1000))
    const { exitCode, said } = await kubectl.try(
      ['rollout', 'status', `deployment/${deployment}`, `--timeout=${left}s`],
      { timeoutMs: left * 1000 + SLACK_MS, signal },
    )
    if (exitCode === 0) return
    const isOver = OVER.test(said) || Date.now() >= until
    if (isOver)
      throw new UserError('not_rolled_out', await notRolledOut(kubectl, { deployment, release, seconds }, said))
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
    signal?.throwIfAborted()
  }
}

async function notRolledOut(
  kubectl: Kubectl,
  { deployment, release, seconds }: Rollout,
  said: string,
): Promise<string> {
  const pods = await kubectl.json('pods').catch(() => undefined)
  const meant = await meantIn(kubectl, deployment).catch(() => undefined)
  const reasons = [...(meant?.failure ? [meant.failure] : []), ...whyNotReady(pods ?? { items: [] }, release)]
  const why = reasons.length > 0 ? reasons.join('; ') : said.trim().slice(-200)
  return `The rollout did not come to its end within ${seconds} s: ${why}`
}
