import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { unusedPort } from '../../rehearsal/stage.ts'
import { machineOf } from '../../src/operate/machine.ts'
import { serviceEnv } from '../../src/releases/local/process.ts'
import { groundAt } from '../../src/roles/outfit.ts'
import { toolsOf } from '../../src/releases/tools.ts'
import type { TreeFile } from '../../src/workspace/types.ts'
import { localTarget, productionAt } from '../support/local.ts'
import { embedded, fenceOf, type TestDatabase } from '../support/databases.ts'
import { opened } from '../support/tasks.ts'

let db: TestDatabase
const dir = mkdtempSync(join(tmpdir(), 'muster-tools-'))
const toolchainsDir = join(dir, 'toolchains')
beforeAll(async () => {
  db = await embedded()
  mkdirSync(join(toolchainsDir, 'node/22.5.1/bin'), { recursive: true })
  const program = join(toolchainsDir, 'node/22.5.1/bin/node')
  writeFileSync(
    program,
    `#!/bin/sh\n[ "$1" = --version ] && echo v22.5.1 && exit\nSERVED_BY=22.5.1 exec ${process.execPath} "$@"\n`,
  )
  chmodSync(program, 0o755)
})
afterAll(async () => {
  await db.drop()
  rmSync(dir, { recursive: true, force: true })
})

const SERVER = `import { createServer } from 'node:http'
import { existsSync } from 'node:fs'
createServer((q, s) => s.end(\`\${process.env.SERVED_BY} built \${existsSync('built-by-22.5.1')}\`)).listen(Number(process.env.PORT))`

/** A repository of these files. */
function repositoryOf(files: Readonly<Record<string, string>>) {
  const names = Object.keys(files)
  return {
    files: async () => names.map((path): TreeFile => ({ path, object: path })),
    show: async (_repository: unknown, _sha: string, path: string) => files[path],
  }
}

const machine = () =>
  machineOf(
    {
      setupNetwork: false,
      setupHosts: [],
      dataDir: dir,
      toolchainsDir,
      mise: undefined,
      containers: undefined,
    },
    {},
  )

/** As the server puts it together. */
async function toolsFor(files: Readonly<Record<string, string>>, commands: readonly string[]) {
  const { repository } = opened().task.origin
  const checks = opened().task.settings.checks
  const about = { repository, sha: 'a'.repeat(40), checks, commands }
  return toolsOf((await groundAt({ git: repositoryOf(files), machine: machine(), ...about })).outfit)
}

it('serves and builds with the version that the repository asks for, as its tests were run with', async () => {
  const files = {
    'package.json': '{"name":"x","type":"module"}',
    '.nvmrc': '22.5.1\n',
    'server.mjs': SERVER,
    'build.mjs': "import { writeFileSync } from 'node:fs'; writeFileSync(`built-by-${process.env.SERVED_BY}`, '')",
  }
  const target = localTarget(db, dir)
  const port = await unusedPort()
  await target.apply({
    environment: productionAt(port, { build: 'node build.mjs', health: '/' }),
    releaseId: 'r',
    taskId: 't',
    sha: 'a'.repeat(40),
    signal: new AbortController().signal,
    mayAct: () => {},
    fence: await fenceOf(db, 'env:acme/x:production'),
    tools: (commands) => toolsFor(files, commands),
    unpack: async (to) => {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(to, name), text)
    },
  })
  const answer = await fetch(`http://127.0.0.1:${port}/`)
    .then((response) => response.text())
    .finally(() => target.host.close(true))
  expect(answer).toBe('22.5.1 built true')
})

it('says in its log what is not quite there', async () => {
  const { path, notes } = await toolsFor({ 'package.json': '{}', '.nvmrc': '4.0.0' }, ['node x.mjs'])
  expect(path).toEqual([])
  expect(notes.join()).toContain('Node.js 4.0.0 is asked for (.nvmrc); this machine has')
})

it('finds the Node.js of Muster where no other is named, as commands in the sandbox do', () => {
  expect(serviceEnv(1, { env: {} })['PATH']?.split(':')[0]).toBe(dirname(process.execPath))
  expect(serviceEnv(1, { env: {}, path: ['/a', '/b'] })['PATH']).toMatch(/^\/a:\/b:/)
})
