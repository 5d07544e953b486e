-- Indexes that nothing reads any more, and that every change of their rows wrote to.
DROP INDEX "effect_open";
DROP INDEX "inbound_event_undecided";
-- The unfinished tasks by what does not change with each decision.
DROP INDEX "task_open";
CREATE INDEX "task_unfinished" ON "task"("created_at") WHERE "finished_at" IS NULL;
-- What waits for a worker is among them: an index by the time of the last decision was written to with each, and every other one too.
DROP INDEX "task_work";
-- Room on its page for what is written next of a task: then no index is written to at all.
ALTER TABLE "task" SET (fillfactor = 70);

-- The lanes of an account in the order in which they are sent.
DROP INDEX "effect_lane_due_at_idx";
CREATE INDEX "effect_lane_account_priority_due_at_idx" ON "effect_lane"("account", "priority", "due_at");

-- A task's state is written with each decision, and what arrives before its sender has an answer; LZ4 takes half the time of PostgreSQL's own
-- compression. A server that was built without it goes on as before.
DO $$ BEGIN
  ALTER TABLE "task" ALTER COLUMN "state" SET COMPRESSION lz4;
  ALTER TABLE "inbound_event" ALTER COLUMN "body" SET COMPRESSION lz4;
  ALTER TABLE "turn" ALTER COLUMN "response" SET COMPRESSION lz4;
  ALTER TABLE "turn" ALTER COLUMN "results" SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
  NULL;
END $$;
