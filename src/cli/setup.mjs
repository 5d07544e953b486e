// Runs before every command of package.json, with nothing but Node >= 20 and npm: installs what is missing or older than
// the lockfile, and generates the database client. Says nothing when there is nothing to do.
//   --dev   also what only tests and checks need
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const stampFile = `${root}node_modules/.muster-setup.json`
const hash = (...files) =>
  files.reduce((sum, file) => sum.update(readFileSync(root + file)), createHash('sha256')).digest('hex')

if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(`Muster needs Node 20 or newer to set itself up; this is ${process.version}.`)
  process.exit(1)
}

function stamp() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8'))
  } catch {
    return {}
  }
}

// Everything is told on standard error: standard output belongs to the command that follows.
function run(what, file, args, env = {}) {
  const started = Date.now()
  const { status, stdout, stderr } = spawnSync(file, args, {
    cwd: root,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) {
    console.error(`${what} failed:\n${stdout}${stderr}`)
    process.exit(1)
  }
  console.error(`${what}: done in ${((Date.now() - started) / 1000).toFixed(1)} s`)
}

const lock = hash('package-lock.json', 'package.json')
const schema = hash('prisma/schema.prisma')
const seen = stamp()
// Whoever has run the tests here keeps what they need.
const dev = process.argv.includes('--dev') || seen.dev === true
const installed = seen.lock === lock && (seen.dev === true || !dev)
if (!installed) {
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', ...(dev ? [] : ['--omit=dev'])]
  console.error(`Installing dependencies${dev ? ' for tests' : ''} …`)
  if (npm) run('Install', process.execPath, [npm, ...args])
  else run('Install', 'npm', args)
}
if (!installed || seen.schema !== schema || !existsSync(`${root}src/store/generated/client.ts`)) {
  // `generate` needs no engine; naming one keeps Prisma from looking for a download.
  const node = existsSync(`${root}node_modules/.bin/node`) ? `${root}node_modules/.bin/node` : process.execPath
  run('Database client', node, [`${root}node_modules/prisma/build/index.js`, 'generate'], {
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: '1',
    CHECKPOINT_DISABLE: '1',
  })
  writeFileSync(stampFile, JSON.stringify({ lock, schema, dev }))
}
