import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openStorage } from '../../src/operate/storage.ts'
import { LocalTarget } from '../../src/releases/local/target.ts'
import { NO_TOOLS } from '../../src/releases/tools.ts'
import { fenceOf, type TestDatabase } from './databases.ts'
import { productionAt, targetDeps } from './local.ts'

/** A process that gives one release after the other a share of the requests, then more, then all, or takes it back, until it is killed. */
const [url = '', dir = '', port = '', round = ''] = process.argv.slice(2)
const storage = await openStorage({ databaseUrl: url, dataDir: dir })
const db = { storage } as unknown as TestDatabase
const target = new LocalTarget(targetDeps(db, dir))
await target.host.adopt()
const environment = productionAt(Number(port), { health: '/' })
const signal = new AbortController().signal
const held = async () => ({ environment, signal, mayAct: () => {}, fence: await fenceOf(db, 'env:acme/x:production') })
const server = (sha: string) =>
  `import { createServer } from 'node:http'
createServer((_, response) => response.end('${sha}')).listen(Number(process.env.PORT))`

process.stdout.write('ready\n')
for (let nth = 1; ; nth++) {
  const sha = `${round}-${nth}`
  const before = await target.current(environment)
  await target.apply({
    ...(await held()),
    releaseId: `r-${sha}`,
    taskId: 't',
    sha,
    percent: 30,
    tools: async () => NO_TOOLS,
    unpack: async (to) => writeFileSync(join(to, 'server.mjs'), server(sha)),
  })
  await target.weigh({ ...(await held()), releaseId: `r-${sha}`, percent: 60 })
  const kept = (await target.restorable(environment)).find((one) => one.sha === before)
  if (nth % 2 === 0 && kept) await target.restore({ ...(await held()), releaseId: kept.releaseId })
  else await target.weigh({ ...(await held()), releaseId: `r-${sha}`, percent: 100 })
}
