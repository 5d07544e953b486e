-- CreateTable
CREATE TABLE "inbound_event" (
    "id" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "delivery_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "body" BYTEA NOT NULL,
    "duplicate_of" TEXT,
    "conversation_id" TEXT,
    "task_id" TEXT,
    "outcome" TEXT,
    "reason" TEXT,
    "detail" TEXT,
    "decided_at" TIMESTAMPTZ(3),
    "attempts" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "inbound_event_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "conversation" (
    "id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "conversation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "conversation_link" (
    "key" TEXT NOT NULL,
    "conversation_id" TEXT NOT NULL,

    CONSTRAINT "conversation_link_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "task" (
    "id" TEXT NOT NULL,
    "conversation_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "workflow" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "repository" TEXT NOT NULL,
    "state" JSONB NOT NULL,
    "version" INTEGER NOT NULL,
    "cost_usd" DOUBLE PRECISION NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "task_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "task_event" (
    "task_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "data" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "task_event_pkey" PRIMARY KEY ("task_id","seq")
);

-- CreateTable
CREATE TABLE "effect" (
    "id" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "conversation_id" TEXT NOT NULL,
    "task_id" TEXT,
    "ordinal" BIGSERIAL NOT NULL,
    "kind" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'intent',
    "revision" INTEGER NOT NULL DEFAULT 1,
    "done_revision" INTEGER NOT NULL DEFAULT 0,
    "result" JSONB,
    "error" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "not_before" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "sent_at" TIMESTAMPTZ(3),
    "done_at" TIMESTAMPTZ(3),

    CONSTRAINT "effect_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "turn" (
    "task_id" TEXT NOT NULL,
    "step" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "ordinal" INTEGER NOT NULL,
    "model" TEXT NOT NULL,
    "response" JSONB NOT NULL,
    "results" JSONB,
    "input_tokens" INTEGER NOT NULL,
    "output_tokens" INTEGER NOT NULL,
    "cost_usd" DOUBLE PRECISION NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "turn_pkey" PRIMARY KEY ("task_id","step","attempt","ordinal")
);

-- CreateTable
CREATE TABLE "release" (
    "id" TEXT NOT NULL,
    "repository" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "sha" TEXT NOT NULL,
    "task_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "port" INTEGER,
    "pid" INTEGER,
    "started_tick" TEXT,
    "dir" TEXT NOT NULL,
    "command" JSONB NOT NULL,
    "detail" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "live_at" TIMESTAMPTZ(3),
    "retired_at" TIMESTAMPTZ(3),

    CONSTRAINT "release_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "traffic_sample" (
    "repository" TEXT NOT NULL,
    "environment" TEXT NOT NULL,
    "sha" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "requests" INTEGER NOT NULL,
    "errors" INTEGER NOT NULL,
    "latency" JSONB NOT NULL,

    CONSTRAINT "traffic_sample_pkey" PRIMARY KEY ("repository","environment","sha","at")
);

-- CreateTable
CREATE TABLE "instance" (
    "key" TEXT NOT NULL,
    "value" JSONB NOT NULL,

    CONSTRAINT "instance_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE INDEX "inbound_event_received_at_id_idx" ON "inbound_event"("received_at", "id");

-- CreateIndex
CREATE INDEX "inbound_event_source_delivery_id_idx" ON "inbound_event"("source", "delivery_id");

-- CreateIndex
CREATE INDEX "inbound_event_conversation_id_idx" ON "inbound_event"("conversation_id");

-- CreateIndex
CREATE INDEX "conversation_link_conversation_id_idx" ON "conversation_link"("conversation_id");

-- CreateIndex
CREATE INDEX "task_conversation_id_created_at_idx" ON "task"("conversation_id", "created_at");

-- CreateIndex
CREATE INDEX "task_created_at_id_idx" ON "task"("created_at", "id");

-- CreateIndex
CREATE INDEX "effect_conversation_id_ordinal_idx" ON "effect"("conversation_id", "ordinal");

-- CreateIndex
CREATE UNIQUE INDEX "effect_scope_key_key" ON "effect"("scope", "key");

-- CreateIndex
CREATE INDEX "release_repository_environment_created_at_idx" ON "release"("repository", "environment", "created_at");

-- AddForeignKey
ALTER TABLE "conversation_link" ADD CONSTRAINT "conversation_link_conversation_id_fkey" FOREIGN KEY ("conversation_id") REFERENCES "conversation"("id") ON DELETE RESTRICT ON UPDATE CASCADE;



-- A delivery is accepted once; further arrivals of the same id are kept as rows that name the first (Prisma has no partial indexes).
CREATE UNIQUE INDEX "inbound_event_once" ON "inbound_event"("source", "delivery_id") WHERE "duplicate_of" IS NULL;
CREATE INDEX "inbound_event_undecided" ON "inbound_event"("received_at") WHERE "outcome" IS NULL;
CREATE INDEX "effect_open" ON "effect"("conversation_id", "ordinal") WHERE "status" IN ('intent', 'sent', 'unknown');
CREATE INDEX "task_open" ON "task"("updated_at") WHERE "finished_at" IS NULL;
