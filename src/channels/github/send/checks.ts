import type { Proof } from '../../../core/artefacts.ts'
import type { EffectBody, EffectResult } from '../../../core/effects.ts'
import { type Reading, linesOf } from '../../../core/reply/foreign.ts'
import { proofReport, reasonsOf } from '../../../core/reply/proof.ts'
import { paragraph } from '../../../core/reply/document.ts'
import type { SendContext } from '../../types.ts'
import { idOf } from '../client.ts'
import { renderMarkdown } from '../render.ts'
import { names, type SendDeps } from './types.ts'

type Body = Extract<EffectBody, { kind: 'check.upsert' }>

const NAME = 'muster/proof'
const WRITE = { checks: 'write' } as const
/** GitHub takes 50 annotations a request (limits.md). */
const BATCH = 50
const MAX_TEXT = 65_000

/** The check run of a head: found by its name and our app, else made; so there is one per head, whatever happens. */
export async function checkUpsert(
  deps: SendDeps,
  { place, headSha }: Body,
  context: SendContext,
): Promise<EffectResult> {
  const octokit = await deps.client.on(place.repository, WRITE)
  const proof = context.task?.proofs.findLast((one) => one.headSha === headSha)
  const url = `${deps.client.serverUrl}/${place.repository.owner}/${place.repository.name}/issues/${context.task?.origin.number ?? place.number}`
  const state = {
    details_url: url,
    ...(proof
      ? concluded(proof)
      : context.task?.status === 'cancelled'
        ? { status: 'completed' as const, conclusion: 'cancelled' as const }
        : { status: 'in_progress' as const }),
  }
  const batches = batchesOf(proof, deps.reading)
  const id = context.previous?.id ?? (await find(deps, octokit, place.repository, headSha)) ?? (await create())
  for (const annotations of batches) {
    await octokit.request('PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}', {
      ...names(place.repository),
      check_run_id: id,
      ...state,
      output: { ...outputOf(deps, proof, context), annotations },
    })
  }
  return { id }

  async function create(): Promise<number> {
    const { data } = await octokit.request('POST /repos/{owner}/{repo}/check-runs', {
      ...names(place.repository),
      name: NAME,
      head_sha: headSha,
      external_id: context.marker,
      details_url: url,
      status: 'in_progress',
    })
    return idOf(data.id)
  }
}

type Octokit = Awaited<ReturnType<SendDeps['client']['on']>>

async function find(
  { appId }: SendDeps,
  octokit: Octokit,
  repository: Body['place']['repository'],
  headSha: string,
): Promise<number | undefined> {
  const { data } = await octokit.request('GET /repos/{owner}/{repo}/commits/{ref}/check-runs', {
    ...names(repository),
    ref: headSha,
    check_name: NAME,
    app_id: Number(appId),
  })
  const [run] = data.check_runs
  return run && idOf(run.id)
}

type State = 'proved' | 'open' | 'failed'
const stateOf = ({ verdict }: Proof): State => (verdict.proved ? 'proved' : verdict.open ? 'open' : 'failed')
const CONCLUSIONS = { proved: 'success', open: 'neutral', failed: 'failure' } as const
const TITLES: Readonly<Record<State, string>> = {
  proved: 'Proved: red on the base, green on the head',
  open: 'Not fully proved: a person decides',
  failed: 'Not proved',
}

function concluded(proof: Proof) {
  const actions = proof.verdict.proved
    ? []
    : [
        { label: 'Try again', description: 'Let Muster try the failed step again', identifier: 'retry' },
        { label: 'Why?', description: 'What was decided here, and why', identifier: 'why' },
      ]
  return {
    status: 'completed' as const,
    conclusion: CONCLUSIONS[stateOf(proof)],
    actions,
  }
}

function outputOf({ reading }: SendDeps, proof: Proof | undefined, { task }: SendContext) {
  if (!proof && task?.status === 'cancelled')
    return { title: 'Cancelled', summary: 'The task was cancelled before this head was proved.' }
  if (!proof)
    return {
      title: 'QA is at work',
      summary: 'The new tests are run on the base and on the head, then the whole suite.',
    }
  const title = TITLES[stateOf(proof)]
  return {
    title,
    summary: renderMarkdown([paragraph(reasonsOf(proof))], reading),
    text: renderMarkdown(proofReport(proof, task?.spec), reading).slice(0, MAX_TEXT),
  }
}

interface ApiAnnotation {
  path: string
  start_line: number
  end_line: number
  annotation_level: 'failure'
  message: string
}

/** At least one batch, so that the state is set even without annotations. */
function batchesOf(proof: Proof | undefined, how: Reading): ApiAnnotation[][] {
  const all = (proof?.annotations ?? []).map(
    (one): ApiAnnotation => ({
      path: one.path,
      start_line: one.line,
      end_line: one.line,
      annotation_level: 'failure',
      message: linesOf(one.message, how).slice(0, 60_000),
    }),
  )
  const count = Math.max(1, Math.ceil(all.length / BATCH))
  return Array.from({ length: count }, (_, index) => all.slice(index * BATCH, (index + 1) * BATCH))
}
