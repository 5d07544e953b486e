-- Answers of models that are given again to exactly the same question, until they expire.
CREATE TABLE "model_answer" (
  "key" TEXT NOT NULL,
  "reply" JSONB NOT NULL,
  "until" TIMESTAMPTZ(3) NOT NULL,
  CONSTRAINT "model_answer_pkey" PRIMARY KEY ("key")
);
CREATE INDEX "model_answer_until_idx" ON "model_answer" ("until");
