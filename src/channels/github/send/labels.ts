import type { EffectBody, EffectResult } from '../../../core/effects.ts'
import { SendError } from '../../types.ts'
import { statusOf } from '../client.ts'
import { askedToWait } from '../limits.ts'
import { names, type SendDeps } from './types.ts'

/** The label that begins the work. GitHub calls one that is there already unprocessable (422), which is as it should be. */
export async function createLabel(
  { client }: SendDeps,
  { place, name }: Extract<EffectBody, { kind: 'label.create' }>,
): Promise<EffectResult> {
  const octokit = await client.on(place.repository, { issues: 'write' })
  try {
    const description = 'Muster works on this issue'
    await octokit.request('POST /repos/{owner}/{repo}/labels', {
      ...names(place.repository),
      name,
      color: '1f883d',
      description,
    })
  } catch (error) {
    const status = statusOf(error)
    // Archived, or without issues: there is nothing to label.
    const isLimit = askedToWait(error) !== undefined
    if (!isLimit && (status === 403 || status === 404 || status === 410))
      throw new SendError('fatal', `no label can be made (${status})`)
    if (status !== 422) throw error
  }
  return {}
}
