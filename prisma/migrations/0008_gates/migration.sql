-- Alone: what this version writes (several gates at a time, steps by definition) cannot be read by processes of versions before.
-- They are to be stopped first; one that is started later is sent away when it says that it is there.
ALTER TABLE "process" ADD COLUMN     "format" INTEGER NOT NULL DEFAULT 1;

CREATE FUNCTION muster_format() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.format < 2 THEN
    RAISE EXCEPTION 'this database was migrated by a newer version of Muster (format 2); start that one, or restore the backup from before';
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER muster_format BEFORE INSERT ON "process" FOR EACH ROW EXECUTE FUNCTION muster_format();

-- A worker that was cut off for long is taken to have ended, and may come back: what it decides does not carry this stamp, and is refused.
ALTER TABLE "task" ADD COLUMN     "stamp" INTEGER;
UPDATE "task" SET "stamp" = "version";
ALTER TABLE "task" ALTER COLUMN "stamp" SET NOT NULL;
ALTER TABLE "task" ADD CONSTRAINT "task_stamp" CHECK ("stamp" = "version");
