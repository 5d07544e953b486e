-- Alone: environments have a history and a queue of their own from here on. Processes of versions before would deploy past them.
CREATE TABLE "environment" (
  "key" TEXT NOT NULL,
  "repository" TEXT NOT NULL,
  "name" TEXT NOT NULL,
  "state" JSONB NOT NULL,
  "version" INTEGER NOT NULL,
  "chain_seq" INTEGER NOT NULL,
  "chain_hash" TEXT NOT NULL,
  "wake_at" TIMESTAMPTZ(3),
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

  CONSTRAINT "environment_pkey" PRIMARY KEY ("key")
);
CREATE INDEX "environment_wake_at_idx" ON "environment"("wake_at");

CREATE TABLE "environment_event" (
  "key" TEXT NOT NULL,
  "seq" INTEGER NOT NULL,
  "type" TEXT NOT NULL,
  "data" JSONB NOT NULL,
  "at" TIMESTAMPTZ(3) NOT NULL,
  "actor" TEXT NOT NULL,
  "reason" TEXT NOT NULL,
  "hash" TEXT NOT NULL,

  CONSTRAINT "environment_event_pkey" PRIMARY KEY ("key","seq")
);

-- How many requests failed in which way.
ALTER TABLE "traffic_sample" ADD COLUMN     "failures" JSONB;

CREATE OR REPLACE FUNCTION muster_format() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.format < 3 THEN
    RAISE EXCEPTION 'this database was migrated by a newer version of Muster (format 3); start that one, or restore the backup from before';
  END IF;
  RETURN NEW;
END $$;
