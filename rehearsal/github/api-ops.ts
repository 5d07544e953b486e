import { z } from 'zod'
import { type Answer, type Call, read, repoOf, type Route } from './api.ts'
import { Refusal } from './auth.ts'
import { commitAt, shaOf } from './git.ts'
import { type CheckRun, type Delivery, now } from './world.ts'

/** Checks, deployments, the app itself and its deliveries, and the one GraphQL mutation that is needed. */

const ok = (body: unknown): Answer => ({ status: 200, body })
const created = (body: unknown): Answer => ({ status: 201, body })
const MAX_ANNOTATIONS = 50
const MAX_TEXT = 65_535

const Output = z.object({
  title: z.string(),
  summary: z.string().max(MAX_TEXT),
  text: z.string().max(MAX_TEXT).default(''),
  annotations: z.array(z.unknown()).max(MAX_ANNOTATIONS, 'no more than 50 annotations per request').default([]),
})
const CheckChange = z.object({
  status: z.enum(['queued', 'in_progress', 'completed']).optional(),
  conclusion: z.string().optional(),
  details_url: z.string().optional(),
  output: Output.optional(),
  actions: z.array(z.unknown()).max(3).optional(),
})
const NewCheck = CheckChange.extend({ name: z.string(), head_sha: z.string(), external_id: z.string().default('') })

export const CHECK_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/repos/{owner}/{repo}/check-runs',
    handle: async (call) => {
      const repo = repoOf(call, ['checks'], 'write')
      const input = read(NewCheck, call.body)
      if (!(await shaOf(repo.dir, input.head_sha))) throw new Refusal(422, `No commit found for SHA: ${input.head_sha}`)
      const run: CheckRun = {
        id: call.world.id(),
        name: input.name,
        headSha: input.head_sha,
        externalId: input.external_id,
        detailsUrl: '',
        status: 'queued',
        conclusion: null,
        title: '',
        summary: '',
        text: '',
        annotations: [],
        startedAt: now(),
        completedAt: null,
      }
      call.world.checkRuns.push(run)
      changeCheck(call, run, input)
      return created(call.shapes.checkRun(run, repo))
    },
  },
  {
    method: 'PATCH',
    path: '/repos/{owner}/{repo}/check-runs/{check_run_id}',
    handle: (call) => {
      const repo = repoOf(call, ['checks'], 'write')
      const run = call.world.checkRuns.find((one) => one.id === Number(call.params['check_run_id']))
      if (!run) throw new Refusal(404, 'Not Found')
      changeCheck(call, run, read(CheckChange, call.body))
      return ok(call.shapes.checkRun(run, repo))
    },
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/commits/{ref}',
    handle: async (call) => {
      const repo = repoOf(call, ['contents'], 'read')
      const ref = call.params['ref'] ?? ''
      const commit = await commitAt(repo.dir, ref)
      if (!commit) throw new Refusal(422, `No commit found for SHA: ${ref}`)
      return ok(call.shapes.commit(commit, repo))
    },
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/commits/{commit_sha}/pulls',
    handle: (call) => {
      const repo = repoOf(call, ['pull_requests'], 'read')
      const sha = call.params['commit_sha']
      const found = call.world.issues.filter(({ pull }) => pull && (pull.headSha === sha || pull.merged?.sha === sha))
      return ok(found.map((one) => call.shapes.pull(one, repo)))
    },
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/commits/{ref}/check-runs',
    handle: (call) => {
      const repo = repoOf(call, ['checks'], 'read')
      const name = call.query.get('check_name')
      const found = call.world.checkRuns.filter(
        (one) => one.headSha === call.params['ref'] && (!name || one.name === name),
      )
      return ok({ total_count: found.length, check_runs: found.map((one) => call.shapes.checkRun(one, repo)) })
    },
  },
]

function changeCheck({ world }: Call, run: CheckRun, input: z.infer<typeof CheckChange>): void {
  const before = run.conclusion
  run.status = input.conclusion ? 'completed' : (input.status ?? run.status)
  run.conclusion = input.conclusion ?? run.conclusion
  run.completedAt = run.status === 'completed' ? now() : null
  run.detailsUrl = input.details_url ?? run.detailsUrl
  if (input.output) {
    run.title = input.output.title
    run.summary = input.output.summary
    run.text = input.output.text
    run.annotations.push(...input.output.annotations)
  }
  if (run.conclusion !== before)
    world.note(world.bot, `check ${run.name}: ${run.conclusion}`, run.headSha.slice(0, 7), run.title)
}

const NewDeployment = z.object({
  ref: z.string(),
  environment: z.string().default('production'),
  task: z.string().default('deploy'),
  description: z.string().default(''),
  payload: z.unknown().optional(),
  auto_merge: z.boolean().default(true),
  required_contexts: z.array(z.string()).optional(),
})
const NewStatus = z.object({
  state: z.enum(['error', 'failure', 'inactive', 'in_progress', 'queued', 'pending', 'success']),
  description: z.string().max(140).default(''),
  log_url: z.string().default(''),
  environment_url: z.string().default(''),
})

export const DEPLOYMENT_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/repos/{owner}/{repo}/deployments',
    handle: async (call) => {
      const repo = repoOf(call, ['deployments'], 'write')
      const input = read(NewDeployment, call.body)
      const sha = await shaOf(repo.dir, input.ref)
      if (!sha) throw new Refusal(422, `No ref found for: ${input.ref}`)
      if (input.auto_merge || input.required_contexts === undefined)
        throw new Refusal(409, 'Conflict: Commit status checks failed')
      const deployment = {
        id: call.world.id(),
        sha,
        ref: input.ref,
        environment: input.environment,
        task: input.task,
        description: input.description,
        payload: input.payload ?? {},
        createdAt: now(),
        statuses: [],
      }
      call.world.deployments.push(deployment)
      call.world.note(call.world.bot, 'recorded a deployment to', input.environment, sha.slice(0, 7))
      return created(call.shapes.deployment(deployment, repo))
    },
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/deployments',
    handle: (call) => {
      const repo = repoOf(call, ['deployments'], 'read')
      const [sha, environment] = [call.query.get('sha'), call.query.get('environment')]
      const task = call.query.get('task')
      return ok(
        call.world.deployments
          .filter(
            (one) =>
              (!sha || one.sha === sha) &&
              (!environment || one.environment === environment) &&
              (!task || one.task === task),
          )
          .toReversed()
          .map((one) => call.shapes.deployment(one, repo)),
      )
    },
  },
  { method: 'POST', path: '/repos/{owner}/{repo}/deployments/{deployment_id}/statuses', handle: addStatus },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/deployments/{deployment_id}/statuses',
    handle: (call) => {
      const repo = repoOf(call, ['deployments'], 'read')
      const deployment = deploymentOf(call)
      return ok(deployment.statuses.toReversed().map((one) => call.shapes.deploymentStatus(one, deployment, repo)))
    },
  },
]

function deploymentOf(call: Call) {
  const deployment = call.world.deployments.find((one) => one.id === Number(call.params['deployment_id']))
  if (!deployment) throw new Refusal(404, 'Not Found')
  return deployment
}

function addStatus(call: Call): Answer {
  const repo = repoOf(call, ['deployments'], 'write')
  const deployment = deploymentOf(call)
  const input = read(NewStatus, call.body)
  const status = {
    id: call.world.id(),
    state: input.state,
    description: input.description,
    logUrl: input.log_url,
    environmentUrl: input.environment_url,
    createdAt: now(),
  }
  deployment.statuses.push(status)
  call.world.note(call.world.bot, `deployment ${input.state}`, deployment.environment, input.description)
  return created(call.shapes.deploymentStatus(status, deployment, repo))
}

const Level = z.enum(['read', 'write'])
const TokenRequest = z.object({
  permissions: z.record(z.string(), Level).optional(),
  repository_ids: z.array(z.number()).max(500).optional(),
  repositories: z.array(z.string()).max(500).optional(),
})

function mustBeApp({ caller }: Call): void {
  if (caller.kind !== 'app') throw new Refusal(401, 'A JSON web token could not be decoded')
}

export const APP_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/app',
    handle: (call) => {
      mustBeApp(call)
      return ok(call.shapes.app())
    },
  },
  {
    method: 'GET',
    path: '/users/{username}',
    handle: (call) => {
      const account = call.world.accounts.get(call.params['username'] ?? '')
      if (!account) throw new Refusal(404, 'Not Found')
      return ok(call.shapes.publicUser(account))
    },
  },
  {
    method: 'GET',
    path: '/repos/{owner}/{repo}/installation',
    handle: (call) => {
      mustBeApp(call)
      const repo = call.world.repos.find(
        (one) => one.owner.login === call.params['owner'] && one.name === call.params['repo'],
      )
      if (!repo) throw new Refusal(404, 'Not Found')
      return ok(call.shapes.installation(repo))
    },
  },
  {
    method: 'GET',
    path: '/app/installations',
    handle: (call) => {
      mustBeApp(call)
      return ok(call.world.repos.slice(0, 1).map((repo) => call.shapes.installation(repo)))
    },
  },
  {
    method: 'GET',
    path: '/installation/repositories',
    handle: (call) => {
      if (call.caller.kind !== 'installation') throw new Refusal(401, 'Requires authentication')
      const repositories = call.world.repos.map((repo) => call.shapes.repo(repo))
      return ok({ total_count: repositories.length, repositories })
    },
  },
  { method: 'POST', path: '/app/installations/{installation_id}/access_tokens', handle: mintToken },
  {
    method: 'GET',
    path: '/app/hook/deliveries',
    handle: (call) => {
      mustBeApp(call)
      const size = Math.min(100, Number(call.query.get('per_page') ?? 30))
      const before = call.query.get('cursor')
      const list = call.world.deliveries.toReversed().filter((one) => !before || one.id < Number(before))
      const page = list.slice(0, size)
      const more =
        list.length > size
          ? {
              link: `<${call.world.url}/api/v3/app/hook/deliveries?per_page=${size}&cursor=${page.at(-1)?.id}>; rel="next"`,
            }
          : {}
      return { status: 200, body: page.map(deliveryItem(call)), headers: more }
    },
  },
  {
    method: 'POST',
    path: '/app/hook/deliveries/{delivery_id}/attempts',
    handle: (call) => {
      mustBeApp(call)
      const delivery = call.world.deliveries.find((one) => one.id === Number(call.params['delivery_id']))
      if (!delivery) throw new Refusal(404, 'Not Found')
      void call.hooks.redeliver(delivery)
      return { status: 202, body: {} }
    },
  },
]

function deliveryItem({ world }: Call) {
  return (one: Delivery) => ({
    id: one.id,
    guid: one.guid,
    delivered_at: one.deliveredAt,
    redelivery: one.redelivery,
    duration: one.seconds,
    status: one.statusCode >= 200 && one.statusCode < 300 ? 'OK' : one.statusCode === 0 ? 'pending' : 'failed',
    status_code: one.statusCode,
    event: one.event,
    action: one.action,
    installation_id: world.installationId,
    repository_id: one.repositoryId,
    throttled_at: null,
  })
}

function mintToken(call: Call): Answer {
  mustBeApp(call)
  const { world } = call
  if (Number(call.params['installation_id']) !== world.installationId) throw new Refusal(404, 'Not Found')
  const input = read(TokenRequest, call.body ?? {})
  const asked = input.permissions ?? world.permissions
  const beyond = Object.entries(asked).find(
    ([name, level]) => world.permissions[name] !== level && world.permissions[name] !== 'write',
  )
  if (beyond) throw new Refusal(422, 'The permissions requested are not granted to this installation.')
  const named = input.repositories?.map((name) => world.repos.find((one) => one.name === name)?.id)
  const ids = input.repository_ids ?? named
  if (ids?.some((id) => id === undefined || !world.repos.some((one) => one.id === id)))
    throw new Refusal(
      422,
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    )
  const token = world.mintToken(
    asked,
    ids?.filter((id) => id !== undefined),
  )
  return created({
    token: token.value,
    expires_at: new Date(token.expiresAt).toISOString().replace(/\.\d{3}Z$/, 'Z'),
    permissions: asked,
    repository_selection: 'selected',
  })
}
