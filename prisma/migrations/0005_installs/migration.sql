-- Workspaces and sites that Muster was installed into: their tokens, sealed with the operator's key. Additive only.

-- CreateTable
CREATE TABLE "channel_install" (
    "channel" TEXT NOT NULL,
    "account" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "sealed" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "installed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "channel_install_pkey" PRIMARY KEY ("channel","account")
);
