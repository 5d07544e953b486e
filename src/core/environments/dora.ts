import { isSame } from './evolve.ts'
import type { Claimant, Committed, EnvironmentEvent } from './types.ts'
import type { Recorded } from './verify.ts'

/**
 * The four figures of DORA (Forsgren, Humble and Kim, "Accelerate", 2018; dora.dev/guides/dora-metrics-four-keys): how often, how soon,
 * how often badly, and how soon it is good again. Told from the history of an environment alone. Pure.
 */
export interface Dora {
  /** ms since the epoch: of deploys that went live from then, and before that. */
  readonly from: number
  readonly to: number
  /** Deploys that went live; going back to what was live is none. */
  readonly deployments: number
  /** Changes in them whose time is known, and the median from commit to live, ms. */
  readonly changes: number
  readonly leadMs: number | undefined
  /** Of the deploys those that were judged, and those that got worse or were taken back. */
  readonly judged: number
  readonly failed: number
  /** The median from going live to the next good state, ms: what was live before it, or what came after. */
  readonly restoreMs: number | undefined
}

interface Deploy extends Claimant {
  readonly liveAt: number
  readonly sha: string
  readonly committed: readonly Committed[]
  isJudged: boolean
  failed: boolean
  restoredAt: number | undefined
}

/** The figures of a span of time. @param events the whole history, or as much as there is of it, the oldest first */
export function doraOf(events: readonly Pick<Recorded, 'event' | 'at'>[], from: number, to: number): Dora {
  const deploys = deploysIn(events).filter(({ liveAt }) => liveAt >= from && liveAt < to)
  const leads = leadsOf(deploys)
  const failed = deploys.filter((one) => one.failed)
  const restores = failed.flatMap(({ liveAt, restoredAt }) => (restoredAt === undefined ? [] : [restoredAt - liveAt]))
  return {
    from,
    to,
    deployments: deploys.length,
    changes: leads.length,
    leadMs: median(leads),
    judged: deploys.filter((one) => one.isJudged).length,
    failed: failed.length,
    restoreMs: median(restores),
  }
}

/** Each change counts with the deploy by which it was live first. */
function leadsOf(deploys: readonly Deploy[]): number[] {
  const leads = new Map<string, number>()
  for (const { liveAt, committed } of deploys)
    for (const { sha, at } of committed) if (!leads.has(sha)) leads.set(sha, Math.max(0, liveAt - at))
  return [...leads.values()]
}

type Asked = Extract<EnvironmentEvent, { type: 'turn.asked' }>['turn']

function deploysIn(events: readonly Pick<Recorded, 'event' | 'at'>[]): Deploy[] {
  const asked: Asked[] = []
  const deploys: Deploy[] = []
  for (const { event, at } of events) {
    if (event.type === 'turn.asked') asked.push(event.turn)
    if (event.type === 'turn.live') {
      const turn = asked.find((one) => isSame(one, event))
      // What people go back from has failed, whatever its watch had said.
      const left = turn?.goesBack ? deploys.findLast(({ sha }) => sha === event.leaves) : undefined
      if (left) left.failed = true
      for (const one of deploys) if (one.failed) one.restoredAt ??= at.getTime()
      if (turn && !turn.goesBack && !turn.isTried) deploys.push(deployOf(turn, at.getTime()))
    }
    const deploy = 'task' in event ? deploys.findLast((one) => isSame(one, event)) : undefined
    if (deploy) judge(deploy, event, at.getTime())
  }
  return deploys
}

function deployOf({ task, release, nth, sha, committed = [] }: Asked, liveAt: number): Deploy {
  return { task, release, nth, sha, liveAt, committed, isJudged: false, failed: false, restoredAt: undefined }
}

function judge(deploy: Deploy, event: EnvironmentEvent, at: number): void {
  if (event.type === 'turn.over' && event.verdict !== undefined) {
    deploy.isJudged = true
    deploy.failed ||= event.verdict === 'regressed'
  }
  // What nobody can tell to be worse was taken back as a precaution.
  if (event.type !== 'release.taken_back' || event.isUnsure) return
  deploy.failed = true
  deploy.restoredAt = at
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low, high] = [sorted[middle - 1], sorted[middle]]
  return sorted.length % 2 === 1 || low === undefined || high === undefined ? high : (low + high) / 2
}

/** How far figures look back where nobody says otherwise: four weeks, ms. */
export const DORA_MS = 28 * 86_400_000

/** A history is read from so many events back, however long it is. */
const MOST_EVENTS = 5000

/** After which event the figures begin to read. @param version of the environment: how many events it has */
export function doraAfter(version: number): number {
  return Math.max(0, version - MOST_EVENTS)
}
