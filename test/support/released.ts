import { renderMarkdown } from '../../src/channels/github/render.ts'
import type { ReleasePlan } from '../../src/core/artefacts.ts'
import type { EffectBody } from '../../src/core/effects.ts'
import type { Planned } from '../../src/releases/types.ts'
import { Driver } from './driver.ts'
import { opened, releasePlan } from './tasks.ts'

export const carol = { id: 3, login: 'carol' }
const DEPLOY = { verb: 'deploy', environment: 'production', ref: undefined } as const
export const APPROVE = { verb: 'approve', sha: undefined } as const

/** A deploy that waits for approval. */
export function asked(plan: Partial<ReleasePlan> = {}): Driver {
  const d = new Driver(opened({ workflow: 'deploy' }), 'not run')
  d.say(DEPLOY)
  d.step('release_plan', { kind: 'release_plan', plan: { ...releasePlan('merge1'), ...plan } })
  return d
}

/** What was said last. */
export function shown(d: Driver): string {
  return d.last.effects
    .map(({ body }: { body: EffectBody }) =>
      'document' in body && body.document ? renderMarkdown(body.document, { redact: (text) => text }) : '',
    )
    .join('\n')
}

/** What is a plan, and no end of a row that looked for a commit. */
export function plannedIn(planned: Planned): Extract<Planned, { plan: unknown }> {
  if ('plan' in planned) return planned
  throw new Error('there is no plan')
}
