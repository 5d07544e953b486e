-- Several commands in one comment: what became of the earlier ones, while the later ones wait. Additive only.

-- AlterTable
ALTER TABLE "inbound_event" ADD COLUMN "parts" JSONB NOT NULL DEFAULT '[]';
