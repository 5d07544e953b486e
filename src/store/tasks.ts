import { spent } from '../core/policy.ts'
import type { Task, TaskEvent, TaskStatus } from '../core/task/types.ts'
import { insertEffects } from './effects.ts'
import type { Prisma, PrismaClient, Task as Row } from './generated/client.ts'
import { decisionData } from './inbox.ts'
import { cleanText, fromJson, jsonText, toJson } from './json.ts'
import { cursorOf, pageOf, readCursor } from './paging.ts'
import { type Commit, Conflict, type TaskStore, type TaskSummary } from './types.ts'

/** Tasks and their history. A commit is one transaction: state, events, effects, and what they answer. */
export function taskStore(prisma: PrismaClient): TaskStore {
  return {
    async commit(commit) {
      await prisma.$transaction((tx) => write(tx, commit))
    },
    async get(id) {
      const row = await prisma.task.findUnique({ where: { id }, select: { state: true } })
      return row ? fromJson<Task>(row.state) : undefined
    },
    async latest(conversationId) {
      const row = await prisma.task.findFirst({
        where: { conversationId },
        orderBy: { createdAt: 'desc' },
        select: { state: true },
      })
      return row ? fromJson<Task>(row.state) : undefined
    },
    async count(conversationId) {
      return prisma.task.count({ where: { conversationId } })
    },
    async unfinished() {
      const rows = await prisma.task.findMany({
        where: { finishedAt: null },
        orderBy: { createdAt: 'asc' },
        select: { id: true },
      })
      return rows.map((row) => row.id)
    },
    async events(id, page) {
      const after = page.cursor === undefined ? 0 : Number(page.cursor)
      const rows = await prisma.taskEvent.findMany({
        where: { taskId: id, seq: { gt: Number.isInteger(after) ? after : 0 } },
        orderBy: { seq: 'asc' },
        take: page.limit + 1,
      })
      const map = (row: (typeof rows)[number]) => ({
        seq: row.seq,
        event: fromJson<TaskEvent>({ type: row.type, ...fromJson<object>(row.data) }),
        at: row.at,
      })
      return pageOf(rows, page.limit, map, (row) => String(row.seq))
    },
    async list(page) {
      const after = readCursor(page.cursor)
      const where = after
        ? { OR: [{ createdAt: { lt: after.at } }, { createdAt: after.at, id: { lt: after.id } }] }
        : {}
      const rows = await prisma.task.findMany({
        where,
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        take: page.limit + 1,
        omit: { state: true },
      })
      return pageOf(rows, page.limit, summary, (row) => cursorOf(row.createdAt, row.id))
    },
  }
}

function summary(row: Omit<Row, 'state'>): TaskSummary {
  const { id, conversationId, workflow, title, repository, costUsd, createdAt } = row
  return {
    id,
    conversationId,
    workflow,
    title,
    repository,
    costUsd,
    createdAt,
    status: fromJson<TaskStatus>(row.status),
    finishedAt: row.finishedAt ?? undefined,
  }
}

async function write(tx: Prisma.TransactionClient, commit: Commit): Promise<void> {
  const { task, events, at } = commit
  await writeTask(tx, commit)
  if (events.length > 0) {
    await tx.taskEvent.createMany({
      data: events.map(({ type, ...data }, index) => ({
        taskId: task.id,
        seq: commit.basedOn + index + 1,
        type,
        data: toJson(data),
        at: new Date(at),
      })),
    })
  }
  await insertEffects(tx, task.id, task.conversationId, task.id, commit.effects)
  await writeLinks(tx, commit)
}

async function writeTask(tx: Prisma.TransactionClient, { task, basedOn, at }: Commit): Promise<void> {
  const data = {
    status: task.status,
    workflow: task.workflow,
    title: cleanText((task.spec?.title ?? task.origin.title).slice(0, 300)),
    state: toJson(task),
    version: task.version,
    costUsd: spent(task),
    updatedAt: new Date(at),
    finishedAt: task.finishedAt === undefined ? null : new Date(task.finishedAt),
  }
  if (basedOn === 0) {
    const { owner, name } = task.origin.repository
    await tx.task.create({
      data: {
        ...data,
        id: task.id,
        conversationId: task.conversationId,
        repository: `${owner}/${name}`,
        createdAt: new Date(at),
      },
    })
    return
  }
  const { count } = await tx.task.updateMany({ where: { id: task.id, version: basedOn }, data })
  if (count !== 1) throw new Conflict(`task ${task.id} is no longer at version ${basedOn}`)
}

/** What the same transaction settles besides the task: the event answered, the turn paid for, the effect sent. */
async function writeLinks(tx: Prisma.TransactionClient, commit: Commit): Promise<void> {
  const { task, inbound, turn, effectDone, effectFailed } = commit
  if (inbound)
    await tx.inboundEvent.update({
      where: { id: inbound.id },
      data: decisionData(inbound.decision, {
        conversationId: task.conversationId,
        taskId: task.id,
        kind: inbound.kind,
      }),
    })
  if (turn) await tx.turn.create({ data: { ...turn, response: toJson(turn.response), results: toJson(turn.results) } })
  if (effectDone) {
    await tx.$executeRaw`UPDATE effect SET status = CASE WHEN revision > ${effectDone.revision} THEN 'intent' ELSE 'done' END,
      done_revision = ${effectDone.revision}, result = ${jsonText(effectDone.result)}::jsonb, done_at = now(), error = NULL, attempts = 0, not_before = NULL WHERE id = ${effectDone.id}`
  }
  if (effectFailed)
    await tx.effect.update({
      where: { id: effectFailed.id },
      data: { status: 'failed', error: cleanText(effectFailed.error.slice(0, 4000)) },
    })
  for (const key of commit.links ?? []) {
    await tx.conversationLink.upsert({
      where: { key },
      create: { key, conversationId: task.conversationId },
      update: {},
    })
  }
}
