-- Other channels: who is who, and what was changed about that. Additive only.

-- CreateTable
CREATE TABLE "person_link" (
    "channel" TEXT NOT NULL,
    "account" TEXT NOT NULL,
    "member" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "github_id" BIGINT NOT NULL,
    "login" TEXT NOT NULL,
    "how" TEXT NOT NULL,
    "linked_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "person_link_pkey" PRIMARY KEY ("channel","account","member")
);

-- CreateTable
CREATE TABLE "link_offer" (
    "code_hash" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "account" TEXT NOT NULL,
    "member" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "link_offer_pkey" PRIMARY KEY ("code_hash")
);

-- CreateTable
CREATE TABLE "person_event" (
    "seq" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor" TEXT NOT NULL,
    "what" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "account" TEXT NOT NULL,
    "member" TEXT NOT NULL,
    "github_id" BIGINT,
    "login" TEXT,

    CONSTRAINT "person_event_pkey" PRIMARY KEY ("seq")
);

-- CreateIndex
CREATE INDEX "person_link_github_id_idx" ON "person_link"("github_id");

-- CreateIndex
CREATE INDEX "link_offer_expires_at_idx" ON "link_offer"("expires_at");
