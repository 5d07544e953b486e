import { writeFileSync } from 'node:fs'
import { runUntilStopped } from '../../../src/cli/start.ts'
import { runApart } from '../../../src/compose/apart/child.ts'
import { startServer, startWorkerProcess } from '../../../src/compose/server.ts'
import { ROLES } from '../../../src/core/roles.ts'
import { instantStand, ledgerStand, lightStand } from './stand.ts'

/** A process of Muster with the light stand: `MUSTER_TEST_KIND` says which kind. */
const {
  MUSTER_TEST_KIND: kind = 'start',
  MUSTER_TEST_CONTROL: control = '',
  MUSTER_TEST_SETTINGS: settings,
  MUSTER_TEST_MODEL: model,
  MUSTER_TEST_BLOCK_MS: blockMs = '0',
} = process.env
const options = { realModel: model === 'real', blockMs: Number(blockMs) }
const base =
  settings === undefined
    ? lightStand(control, options)
    : process.env['MUSTER_TEST_STAND'] === 'instant'
      ? instantStand(control, settings)
      : ledgerStand(control, settings, options)

// Whatever is suspected of ending this process is tried in one like it.
const stand = { ...base, program: import.meta.filename }
if (process.argv[2] === 'apart') await runApart(process.env, 'faults', stand)

const heap = process.env['MUSTER_TEST_HEAP']
if (heap)
  setInterval(() => {
    // What is left after a collection: all else is only the allocator's leisure.
    globalThis.gc?.()
    writeFileSync(heap, String(process.memoryUsage().heapUsed))
  }, 5000).unref()

await runUntilStopped(() =>
  kind === 'worker'
    ? startWorkerProcess(process.env, 'faults', ROLES.names(), stand)
    : startServer(process.env, 'faults', kind === 'web' ? 'web' : 'start', stand),
)
