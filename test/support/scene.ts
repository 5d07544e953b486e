import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Running } from '../../src/cli/types.ts'
import { startServer } from '../../src/compose/server.ts'
import { serverEnv, setStage, type Stage, type StageOptions, unusedPort } from '../../rehearsal/stage.ts'
import { SANDBOX } from './isolation.ts'
import {
  checks,
  type ClickupStage,
  clickupStage,
  type JiraStage,
  jiraStage,
  type SlackStage,
  slackStage,
} from './channels.ts'
import { jiraProblems, slackProblems } from './schemas.ts'
import { openApiCheck, type ApiCheck } from './openapi.ts'
import { type Asked, goodModel, type Reply, testModel, type TestModel } from './model.ts'

/** The whole server in this process, with the rehearsal's GitHub and a model that a function plays. */
export interface Scene {
  readonly stage: Stage
  readonly model: TestModel
  readonly url: string
  readonly api: ApiCheck
  /** The rehearsal's Slack, where it was asked for. */
  readonly slack: SlackStage | undefined
  readonly jira: JiraStage | undefined
  readonly clickup: ClickupStage | undefined
  task(issue?: number): Promise<{ id: string; status: string; costUsd: number; state: TaskState }>
  events(filter?: string): Promise<EventView[]>
  /** Waits for the decision on the newest event of a kind. */
  stop(): Promise<void>
}

export interface EventView {
  readonly deliveryId: string
  readonly kind: string
  readonly task: string | null
  readonly decision: { readonly outcome: string; readonly reason: string; readonly detail: string } | null
}

interface RunSeen {
  readonly exitCode: number
  readonly output: string
}

interface TaskState {
  readonly workflow: string
  readonly gate?: { readonly kind: string }
  readonly outcome?: string
  readonly spec?: { readonly title: string }
  readonly steps: readonly {
    readonly id: string
    readonly status: string
    readonly attempt: number
    readonly error?: { readonly code: string; readonly message: string }
  }[]
  readonly pullRequest?: { readonly number: number; readonly draft: boolean }
  readonly proofs: readonly {
    readonly verdict: { readonly proved: boolean; readonly reasons: readonly string[] }
    readonly red?: RunSeen
    readonly green?: RunSeen
  }[]
  readonly headSha?: string
  readonly wip?: { readonly branch: string; readonly sha: string }
  readonly origin: { readonly number: number; readonly body: string }
  readonly review: { readonly ledger: readonly { readonly outcome: string }[] }
  readonly releases: readonly { readonly environment: string }[]
}

export interface SceneOptions extends StageOptions {
  readonly model?: (asked: Asked) => Reply | Promise<Reply>
  readonly env?: Readonly<Record<string, string>>
  /** The whole of `.github/muster.yml`, in place of the sample's. */
  readonly settings?: (port: number) => string
  readonly slack?: boolean
  readonly jira?: boolean
  readonly clickup?: boolean
}

/** Everybody approves plans by settings; nothing is watched for long. */
export const QUICK = (port: number) =>
  `approve_plan: never\nreview: { quiet: 1s }\nenvironments:\n  production: { start: node src/server.ts, port: ${port}, watch: 2s, health_timeout: 10s }\n`

/** Each role by itself, where a test does not say otherwise: `short.slow.test.ts` has the short way. */
function apart(settings: string): string {
  return /^planning:/m.test(settings) ? settings : `${settings.trimEnd()}\nplanning: apart\n`
}

export async function startScene(options: SceneOptions = {}): Promise<Scene> {
  const api = openApiCheck()
  const stage = await setStage({
    ...options,
    onExchange: api.onExchange,
    prepare: (folder) => {
      const settings = (options.settings ?? QUICK)(options.settings ? 0 : 1)
      writeFileSync(join(folder, '.github/muster.yml'), apart(settings))
      options.prepare?.(folder)
    },
  })
  const slack = options.slack ? await slackStage() : undefined
  const jira = options.jira ? await jiraStage(checks.jira) : undefined
  const clickup = options.clickup ? await clickupStage(checks.clickup) : undefined
  const model = await testModel(options.model ?? goodModel)
  const port = await unusedPort()
  const env = {
    ...serverEnv(stage, port),
    ANTHROPIC_API_KEY: 'test-key-of-the-model',
    ANTHROPIC_BASE_URL: model.url,
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent',
    MUSTER_SANDBOX: SANDBOX,
    ...slack?.env,
    ...jira?.env,
    ...clickup?.env,
    ...options.env,
  }
  copyTemplate(join(stage.dir, 'data'))
  for (const one of [slack, jira, clickup]) one?.listen(`http://127.0.0.1:${port}`)
  stage.world.app.webhookUrl = `http://127.0.0.1:${port}/api/github/webhooks`
  const running: Running = await startServer(env, 'test')
  const url = `http://127.0.0.1:${port}`
  const get = async (path: string): Promise<unknown> => (await fetch(`${url}/api/v1${path}`)).json()
  return {
    stage,
    model,
    url,
    api,
    slack,
    jira,
    clickup,
    async task(issue) {
      const { items } = (await get('/tasks?limit=50')) as { items: { id: string }[] }
      for (const { id } of items) {
        const task = (await get(`/tasks/${id}`)) as { id: string; status: string; costUsd: number; state: TaskState }
        if (issue === undefined || task.state.origin.number === issue) return task
      }
      throw new Error('no task yet')
    },
    events: async (filter = '') => ((await get(`/events?limit=1000${filter}`)) as { items: EventView[] }).items,
    async stop() {
      await running.stop()
      await model.close()
      for (const one of [slack, jira, clickup]) await one?.server.close()
      await stage.close()
      expect([
        ...api.violations,
        ...(checks.jira?.violations ?? []),
        ...(checks.clickup?.violations ?? []),
        ...(slack ? slackProblems(slack.server.world) : []),
        ...(jira ? jiraProblems(jira.server.world) : []),
      ]).toEqual([])
    },
  }
}

/** A migrated, empty database to begin with. */
export function copyTemplate(to: string): void {
  const template = process.env['MUSTER_TEST_TEMPLATE']
  if (template) cpSync(template, to, { recursive: true })
}

/** Waits until something holds, as a person would. */
export function soon<T>(look: () => T | Promise<T>, timeout = 240_000) {
  return expect.poll(
    async () => {
      try {
        return await look()
      } catch {
        return undefined
      }
    },
    { timeout, interval: 100 },
  )
}
