import { githubKey, type ApiStart, type Heard } from '../core/heard.ts'
import type { Command } from '../core/command.ts'
import { isActive } from '../core/task/steps.ts'
import type { Fence } from '../leases/types.ts'
import { openTask } from './open.ts'
import { decideOnly } from './replies.ts'
import { ONLY, type InboxDeps, type Scene } from './scene.ts'

/** The account that stands for whoever holds the API token. */
const OPERATOR = { id: 0, login: 'api' }

/** The body that `POST /api/v1/tasks` stores. */
export function apiBody(start: ApiStart): Uint8Array {
  return Buffer.from(JSON.stringify(start))
}

/** Starts the work that was asked for by the API. */
export async function startFromApi(
  deps: InboxDeps,
  eventId: string,
  receivedAt: number,
  body: Uint8Array,
  fence: Fence,
): Promise<void> {
  const { repository, subject, request } = readBody(body)
  const command: Command = request ? { verb: 'request', text: request } : { verb: 'build', text: '' }
  const key = githubKey(repository.id, subject.number)
  const heard: Heard = {
    kind: 'task.start',
    repository,
    sender: { ...OPERATOR, isBot: false },
    key,
    writtenAt: receivedAt,
    what: { type: 'text', text: request, commentId: undefined, subject },
  }
  const conversationId = await deps.store.conversations.at(key)
  const task = await deps.store.tasks.latest(conversationId)
  const scene: Scene = {
    eventId,
    receivedAt,
    heard,
    conversationId,
    task,
    loaded: await deps.settings.load(repository, true),
    part: ONLY,
    fence,
  }
  if (task && isActive(task))
    return decideOnly(deps, scene, {
      outcome: 'duplicate',
      reason: 'task_exists',
      detail: `task ${task.id} is under way`,
    })
  await openTask(deps, scene, { to: 'open', trigger: 'api', command, subject, commentId: undefined })
  deps.kick()
}

/** Written by `apiBody` in this program, so it is taken on trust. */
function readBody(body: Uint8Array): ApiStart {
  return JSON.parse(Buffer.from(body).toString()) as ApiStart
}
