import { randomUUID } from 'node:crypto'
import { effectStore } from './effects.ts'
import type { PrismaClient } from './generated/client.ts'
import { inboxStore } from './inbox.ts'
import { toJson } from './json.ts'
import { releaseStore } from './releases.ts'
import type { Sql } from './sql.ts'
import { taskStore } from './tasks.ts'
import type { ConversationStore, InstanceStore, Store, TurnStore } from './types.ts'

/** The store over Prisma, on either database. */
export function prismaStore(prisma: PrismaClient, sql: Sql): Store {
  return {
    inbox: inboxStore(prisma, sql),
    tasks: taskStore(prisma),
    conversations: conversationStore(prisma),
    effects: effectStore(prisma),
    turns: turnStore(prisma),
    releases: releaseStore(prisma),
    instance: instanceStore(prisma),
    ping: async () => void (await sql.query('SELECT 1')),
  }
}

function conversationStore(prisma: PrismaClient): ConversationStore {
  const find = async (key: string) => (await prisma.conversationLink.findUnique({ where: { key } }))?.conversationId
  return {
    find,
    async at(key) {
      const known = await find(key)
      if (known) return known
      const id = randomUUID()
      try {
        await prisma.conversation.create({ data: { id, links: { create: { key } } } })
        return id
      } catch (error) {
        const winner = await find(key)
        if (winner) return winner
        throw error
      }
    },
  }
}

function turnStore(prisma: PrismaClient): TurnStore {
  return {
    async list(taskId, step, attempt) {
      return prisma.turn.findMany({ where: { taskId, step, attempt }, orderBy: { ordinal: 'asc' } })
    },
    async saveResults(turn, results) {
      const { taskId, step, attempt, ordinal } = turn
      await prisma.turn.update({
        where: { taskId_step_attempt_ordinal: { taskId, step, attempt, ordinal } },
        data: { results: toJson(results) },
      })
    },
  }
}

function instanceStore(prisma: PrismaClient): InstanceStore {
  const get = async (key: string): Promise<unknown> => (await prisma.instance.findUnique({ where: { key } }))?.value
  return {
    get,
    async setOnce(key, value) {
      await prisma.instance.createMany({ data: [{ key, value: toJson(value) }], skipDuplicates: true })
      return get(key)
    },
    async set(key, value) {
      await prisma.instance.upsert({
        where: { key },
        create: { key, value: toJson(value) },
        update: { value: toJson(value) },
      })
    },
  }
}
