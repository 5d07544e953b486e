// Runs before every command of package.json, with nothing but Node >= 20 and npm: installs what is missing or not what the
// lockfile says. Says nothing when there is nothing to do.
//   --dev   also what only tests and checks need
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { missingOf } from './installed.mjs'
import { superfluous } from './superfluous.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))

if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(`Muster needs Node 20 or newer to set itself up; this is ${process.version}.`)
  process.exit(1)
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(root + file, 'utf8')).packages
  } catch {
    return {}
  }
}

// Everything is told on standard error: standard output belongs to the command that follows.
function install(dev) {
  const started = Date.now()
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', ...(dev ? [] : ['--omit=dev'])]
  console.error(`Installing dependencies${dev ? ' for tests' : ''} …`)
  const [file, ...before] = npm ? [process.execPath, npm] : ['npm']
  const { status, stdout, stderr, error } = spawnSync(file, [...before, ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) {
    console.error(`The installation failed:\n${error ?? ''}${stdout ?? ''}${stderr ?? ''}`)
    process.exit(1)
  }
  console.error(`Install: done in ${((Date.now() - started) / 1000).toFixed(1)} s`)
}

// npm keeps its own account of what it has put where: an installation by hand counts like one from here.
const missing = missingOf(packagesOf('package-lock.json'), packagesOf('node_modules/.package-lock.json'), (path) =>
  existsSync(root + path),
)
const dev = process.argv.includes('--dev')
if (missing.needed || (dev && missing.dev)) {
  // Whoever has run the tests here keeps what they need.
  install(dev || missing.hasDev)
  if (!dev && !missing.hasDev)
    for (const path of superfluous(`${root}node_modules/`)) rmSync(path, { recursive: true, force: true })
}
