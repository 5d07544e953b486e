-- Whose model answered, for which tier and why it was asked, how long it took, and what of its prompt a cache had.
ALTER TABLE "turn"
  ADD COLUMN "provider" TEXT,
  ADD COLUMN "tier" TEXT,
  ADD COLUMN "reason" TEXT,
  ADD COLUMN "ms" INTEGER,
  ADD COLUMN "cache_read_tokens" INTEGER,
  ADD COLUMN "cache_write_tokens" INTEGER,
  ADD COLUMN "prompt" TEXT,
  ADD COLUMN "opening" TEXT;
