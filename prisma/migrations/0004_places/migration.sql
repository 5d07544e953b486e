-- Verified e-mail addresses of people who signed in, as hashes: by them an account elsewhere is recognised. Additive only.

-- CreateTable
CREATE TABLE "person_email" (
    "email_hash" TEXT NOT NULL,
    "github_id" BIGINT NOT NULL,
    "login" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "person_email_pkey" PRIMARY KEY ("email_hash")
);

-- CreateIndex
CREATE INDEX "person_email_github_id_idx" ON "person_email"("github_id");
