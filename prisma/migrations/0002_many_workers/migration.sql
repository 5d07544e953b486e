-- Many workers on one database: leases with fencing tokens, lanes of the outbox, shared token buckets, the hash chain.
-- Additive only: the version before this one goes on working on it (it leaves the new columns empty, and the sweeper
-- picks up what it wrote).

-- AlterTable
ALTER TABLE "conversation_link" ADD COLUMN     "made_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "effect" ADD COLUMN     "account" TEXT,
ADD COLUMN     "lane" TEXT,
ADD COLUMN     "since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- AlterTable
ALTER TABLE "inbound_event" ADD COLUMN     "account" TEXT,
ADD COLUMN     "lane" TEXT,
ADD COLUMN     "retry_at" TIMESTAMPTZ(3),
ADD COLUMN     "seq" BIGSERIAL NOT NULL;

-- AlterTable
ALTER TABLE "task" ADD COLUMN     "chain_hash" TEXT,
ADD COLUMN     "chain_seq" INTEGER,
ADD COLUMN     "work" JSONB;

-- AlterTable
ALTER TABLE "task_event" ADD COLUMN     "actor" TEXT,
ADD COLUMN     "hash" TEXT,
ADD COLUMN     "reason" TEXT;

-- CreateTable
CREATE TABLE "effect_lane" (
    "name" TEXT NOT NULL,
    "account" TEXT NOT NULL,
    "priority" INTEGER NOT NULL,
    "due_at" TIMESTAMPTZ(3) NOT NULL,
    "bumps" BIGINT NOT NULL DEFAULT 0,
    "token" BIGINT NOT NULL DEFAULT 0,
    "holder" TEXT,
    "expires_at" TIMESTAMPTZ(3),

    CONSTRAINT "effect_lane_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "lease" (
    "name" TEXT NOT NULL,
    "token" BIGINT NOT NULL,
    "holder" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "crashes" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "lease_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "process" (
    "id" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "process_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "rate" (
    "account" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "state" JSONB NOT NULL,

    CONSTRAINT "rate_pkey" PRIMARY KEY ("account")
);

-- CreateIndex
CREATE INDEX "effect_lane_due_at_idx" ON "effect_lane"("due_at");

-- Fencing tokens: one growing number for every lease and lane (a deleted and remade lease never starts again at a lower one).
CREATE SEQUENCE "fence" AS BIGINT;

-- What Prisma has no words for: indexes over what is still open, which stay small however much is stored.
CREATE INDEX "inbound_event_open" ON "inbound_event"("seq") WHERE "decided_at" IS NULL;
CREATE INDEX "inbound_event_lane" ON "inbound_event"("lane", "seq") WHERE "decided_at" IS NULL;
CREATE INDEX "effect_lane_open" ON "effect"("lane", "ordinal") WHERE "status" IN ('intent', 'sent', 'unknown');
CREATE INDEX "effect_failed" ON "effect"("created_at") WHERE "status" = 'failed';
CREATE INDEX "task_work" ON "task"("updated_at") WHERE "work" IS NOT NULL OR ("finished_at" IS NULL AND "chain_seq" IS DISTINCT FROM "version");
CREATE INDEX "task_finished" ON "task"("finished_at") WHERE "finished_at" IS NOT NULL;
