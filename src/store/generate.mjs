// Writes the database client from the schema: `npm run generate`, after a change of `prisma/schema.prisma`.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
// `generate` needs no engine; naming one keeps Prisma from looking for a download.
const { status } = spawnSync(
  process.execPath,
  [`${root}node_modules/prisma-cli/build/index.js`, 'generate', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  },
)
process.exit(status ?? 1)
