import type { EffectBody, EffectResult } from '../../../core/effects.ts'
import { type SendContext, SendError } from '../../types.ts'
import { titleOf } from '../../../core/reply/foreign.ts'
import { answerRun, waitingRuns } from '../waiting.ts'
import { idOf } from '../client.ts'
import { names, type SendDeps } from './types.ts'

type Body<Kind extends EffectBody['kind']> = Extract<EffectBody, { kind: Kind }>

const WRITE = { deployments: 'write' } as const

/** GitHub's defaults would merge and wait for checks; the gates are ours (limits.md), so both are off. */
export async function createDeployment(
  { client }: SendDeps,
  { place, sha, environment, planHash }: Body<'deployment.create'>,
  { marker }: SendContext,
): Promise<EffectResult> {
  const octokit = await client.on(place.repository, WRITE)
  const response = await octokit.request('POST /repos/{owner}/{repo}/deployments', {
    ...names(place.repository),
    ref: sha,
    environment,
    auto_merge: false,
    required_contexts: [],
    payload: { muster: marker, plan: planHash },
    description: 'Deployed by Muster',
    production_environment: /^prod/i.test(environment),
  })
  if (!('id' in response.data)) throw new SendError('fatal', 'GitHub made no deployment')
  if (response.data.sha !== sha)
    throw new SendError('fatal', `GitHub recorded ${response.data.sha} instead of the approved ${sha}`)
  return { id: idOf(response.data.id) }
}

export async function lookUpDeployment(
  { client }: SendDeps,
  { place, sha, environment }: Body<'deployment.create'>,
  { marker }: SendContext,
): Promise<EffectResult | undefined> {
  const octokit = await client.on(place.repository, WRITE)
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/deployments', {
    ...names(place.repository),
    sha,
    environment,
    per_page: 100,
  })
  const found = data.find(
    (one) => typeof one.payload === 'object' && one.payload !== null && Reflect.get(one.payload, 'muster') === marker,
  )
  return found && { id: idOf(found.id) }
}

export async function deploymentStatus(
  { client, publicUrl, reading }: SendDeps,
  body: Body<'deployment.status'>,
): Promise<EffectResult> {
  const octokit = await client.on(body.place.repository, WRITE)
  const log_url = body.releaseId
    ? `${publicUrl}/api/v1/releases/${encodeURIComponent(body.releaseId)}/log`
    : `${client.serverUrl}/${body.place.repository.owner}/${body.place.repository.name}/issues/${body.place.number}`
  const { data } = await octokit.request('POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
    ...names(body.place.repository),
    deployment_id: body.deploymentId,
    state: body.state,
    description: titleOf(body.description, 140, reading),
    log_url,
    ...(body.environmentUrl ? { environment_url: body.environmentUrl } : {}),
    auto_inactive: true,
  })
  return { id: idOf(data.id) }
}

export async function lookUpStatus(
  { client, reading }: SendDeps,
  body: Body<'deployment.status'>,
): Promise<EffectResult | undefined> {
  const octokit = await client.on(body.place.repository, WRITE)
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses', {
    ...names(body.place.repository),
    deployment_id: body.deploymentId,
    per_page: 100,
  })
  const description = titleOf(body.description, 140, reading)
  const found = data.find((one) => one.state === body.state && one.description === description)
  return found && { id: idOf(found.id) }
}

/** Nothing, where nothing waits. Said twice, nothing waits the second time. */
export async function refuseDeployment(
  { client, reading }: SendDeps,
  { place, sha, environment, description }: Body<'deployment.refuse'>,
): Promise<EffectResult> {
  const { repository } = place
  const octokit = await client.on(repository, { actions: 'read', deployments: 'write' })
  const of = { names: names(repository), octokit }
  const waiting = await waitingRuns(of, sha, environment)
  const comment = titleOf(description, 140, reading)
  for (const one of waiting) await answerRun(of, one, { state: 'rejected', comment })
  return waiting[0] ? { id: waiting[0].run } : {}
}
