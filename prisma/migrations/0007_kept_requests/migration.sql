-- Requests of people who have not signed in yet: they go on once that is done. Additive only.

-- CreateTable
CREATE TABLE "kept_request" (
    "event_id" TEXT NOT NULL,
    "nth" INTEGER NOT NULL,
    "channel" TEXT NOT NULL,
    "account" TEXT NOT NULL,
    "member" TEXT NOT NULL,
    "until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "kept_request_pkey" PRIMARY KEY ("event_id", "nth")
);

-- CreateIndex
CREATE INDEX "kept_request_channel_account_member_idx" ON "kept_request"("channel", "account", "member");
