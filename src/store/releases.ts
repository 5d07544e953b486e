import type { Failures, Sample } from '../core/traffic.ts'
import type { PrismaClient, Release as Row } from './generated/client.ts'
import { cleanText, fromJson, toJson } from './json.ts'
import { holds } from './leases.ts'
import type { Sql } from './sql.ts'
import { Fenced } from './types.ts'
import type { ReleaseCommand, ReleaseRow, ReleaseStore } from '../releases/types.ts'

/** The others that are live are so no more: one statement, so that there is never a moment with two, or with none. */
const GO_LIVE = (held: string) => `UPDATE release SET status = CASE WHEN id = $1 THEN 'live' ELSE 'retired' END,
    live_at = CASE WHEN id = $1 THEN $4::timestamptz ELSE live_at END, retired_at = CASE WHEN id = $1 THEN NULL ELSE clock_timestamp() END
  WHERE repository = $2 AND environment = $3 AND (id = $1 OR status = 'live') AND EXISTS (${held}) RETURNING id`

const REACH = (held: string) =>
  `UPDATE release SET command = $2::jsonb WHERE id = $1 AND status = 'live' AND EXISTS (${held}) RETURNING id`

function storedOf(row: ReleaseRow) {
  const { detail, port, pid, startedTick, liveAt, command } = row
  return {
    ...row,
    command: toJson(command),
    detail: detail === undefined ? null : cleanText(detail),
    port: port ?? null,
    pid: pid ?? null,
    startedTick: startedTick ?? null,
    liveAt: liveAt ?? null,
  }
}

export function releaseStore(prisma: PrismaClient, sql: Sql): ReleaseStore {
  return {
    async goLive({ id, repository, environment }, at, fence) {
      const params = [id, repository, environment, at, fence.name, fence.token]
      const { rows } = await sql.query(GO_LIVE(holds(fence, '$5', '$6')), params)
      if (!rows.some((row) => row['id'] === id)) throw new Fenced(`somebody else has ${fence.name} now`)
    },
    async save(row) {
      const { id } = row
      const data = storedOf(row)
      await prisma.release.upsert({
        where: { id },
        create: data,
        update: { ...data, retiredAt: row.status === 'retired' ? new Date() : null },
      })
    },
    async reach(id, command, fence) {
      const params = [id, JSON.stringify(command), fence.name, fence.token]
      const { rows } = await sql.query(REACH(holds(fence, '$3', '$4')), params)
      if (rows.length === 0) throw new Fenced(`${id} is live no more, or somebody else has ${fence.name} now`)
    },
    async moved({ id, status, port, pid, startedTick }) {
      const { count } = await prisma.release.updateMany({
        where: { id, status },
        data: { port: port ?? null, pid: pid ?? null, startedTick: startedTick ?? null },
      })
      return count > 0
    },
    async get(id) {
      const row = await prisma.release.findUnique({ where: { id } })
      return row ? releaseOf(row) : undefined
    },
    async live(repository, environment) {
      const row = await prisma.release.findFirst({
        where: { repository, environment, status: 'live' },
        orderBy: { liveAt: 'desc' },
      })
      return row ? releaseOf(row) : undefined
    },
    async allLive() {
      return (await prisma.release.findMany({ where: { status: 'live' }, orderBy: { liveAt: 'asc' } })).map(releaseOf)
    },
    async list(repository, environment) {
      return (
        await prisma.release.findMany({ where: { repository, environment }, orderBy: { createdAt: 'desc' } })
      ).map(releaseOf)
    },
    async addSamples(repository, environment, sha, samples) {
      const data = samples.map((sample) => ({
        repository,
        environment,
        sha,
        at: new Date(sample.at),
        requests: sample.requests,
        errors: sample.errors,
        latency: toJson(sample.latency),
        ...(sample.failures ? { failures: toJson(sample.failures) } : {}),
      }))
      await prisma.trafficSample.createMany({ data, skipDuplicates: true })
    },
    async samples(repository, environment, from, to) {
      const rows = await prisma.trafficSample.findMany({
        where: { repository, environment, at: { gte: from, lt: to } },
        orderBy: { at: 'asc' },
      })
      return rows.map((row) => ({
        at: row.at.getTime(),
        sha: row.sha,
        requests: row.requests,
        errors: row.errors,
        latency: fromJson<Sample['latency']>(row.latency),
        ...(row.failures === null ? {} : { failures: fromJson<Failures>(row.failures) }),
      }))
    },
  }
}

function releaseOf(row: Row): ReleaseRow {
  const { id, repository, environment, sha, taskId, dir } = row
  return {
    id,
    repository,
    environment,
    sha,
    taskId,
    dir,
    status: fromJson<ReleaseRow['status']>(row.status),
    port: row.port ?? undefined,
    pid: row.pid ?? undefined,
    startedTick: row.startedTick ?? undefined,
    command: fromJson<ReleaseCommand>(row.command),
    detail: row.detail ?? undefined,
    liveAt: row.liveAt ?? undefined,
  }
}
