import { randomUUID } from 'node:crypto'
import { type EffectBody, type EffectIntent, type EffectResult, isUpsert } from '../core/effects.ts'
import type { Effect as Row, Prisma, PrismaClient } from './generated/client.ts'
import { cleanText, fromJson, jsonText } from './json.ts'
import type { EffectStatus, EffectStore, StoredEffect } from './types.ts'

/** Durable out. An upsert that is asked for again gets a new revision; anything else is there once. */
export async function insertEffects(
  tx: Prisma.TransactionClient,
  scope: string,
  conversationId: string,
  taskId: string | undefined,
  effects: readonly EffectIntent[],
): Promise<void> {
  for (const { key, body } of effects) {
    const id = randomUUID()
    const payload = jsonText(body)
    if (isUpsert(body.kind)) {
      await tx.$executeRaw`INSERT INTO effect (id, scope, key, conversation_id, task_id, kind, payload) VALUES (${id}, ${scope}, ${key}, ${conversationId}, ${taskId ?? null}, ${body.kind}, ${payload}::jsonb)
        ON CONFLICT (scope, key) DO UPDATE SET revision = effect.revision + 1, payload = EXCLUDED.payload,
          attempts = CASE WHEN effect.status = 'failed' THEN 0 ELSE effect.attempts END, not_before = CASE WHEN effect.status = 'failed' THEN NULL ELSE effect.not_before END,
          status = CASE WHEN effect.status IN ('done', 'failed') THEN 'intent' ELSE effect.status END`
    } else {
      await tx.$executeRaw`INSERT INTO effect (id, scope, key, conversation_id, task_id, kind, payload) VALUES (${id}, ${scope}, ${key}, ${conversationId}, ${taskId ?? null}, ${body.kind}, ${payload}::jsonb)
        ON CONFLICT (scope, key) DO NOTHING`
    }
  }
}

const OPEN: EffectStatus[] = ['intent', 'sent', 'unknown']

export function effectStore(prisma: PrismaClient): EffectStore {
  return {
    async add(scope, conversationId, taskId, effects) {
      await prisma.$transaction((tx) => insertEffects(tx, scope, conversationId, taskId, effects))
    },
    async open(limit) {
      const rows = await prisma.effect.findMany({
        where: { status: { in: OPEN } },
        orderBy: { ordinal: 'asc' },
        take: limit,
      })
      return rows.map(effectOf)
    },
    async markSent(id) {
      await prisma.effect.update({
        where: { id },
        data: { status: 'sent', sentAt: new Date(), attempts: { increment: 1 } },
      })
    },
    async postpone(id, status, until, error) {
      await prisma.effect.update({
        where: { id },
        data: { status, notBefore: until, error: cleanText(error.slice(0, 4000)) },
      })
    },
    async finish(id, revision, result) {
      await prisma.$executeRaw`UPDATE effect SET status = CASE WHEN revision > ${revision} THEN 'intent' ELSE 'done' END,
        done_revision = ${revision}, result = ${jsonText(result)}::jsonb, done_at = now(), error = NULL, attempts = 0, not_before = NULL WHERE id = ${id}`
    },
    async fail(id, error) {
      await prisma.effect.update({ where: { id }, data: { status: 'failed', error: cleanText(error.slice(0, 4000)) } })
    },
  }
}

function effectOf(row: Row): StoredEffect {
  const { id, scope, key, conversationId, revision, attempts, createdAt } = row
  return {
    id,
    scope,
    key,
    conversationId,
    revision,
    attempts,
    createdAt,
    taskId: row.taskId ?? undefined,
    body: fromJson<EffectBody>(row.payload),
    status: fromJson<EffectStatus>(row.status),
    result: row.result ? fromJson<EffectResult>(row.result) : undefined,
    notBefore: row.notBefore ?? undefined,
    sentAt: row.sentAt ?? undefined,
  }
}
