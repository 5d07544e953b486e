import { describe, it } from 'vitest'
import { toolContract } from '../../src/plugin/contracts/tools.ts'
import { TOOLS } from '../../src/tools/tools.ts'
import type { ToolContext } from '../../src/tools/types.ts'
import { NO_OUTFIT } from '../../src/workspace/types.ts'

const never = () => Promise.reject(new Error('a wrong input went as far as the workspace'))
const context: ToolContext = {
  checkout: {
    dir: '/nowhere',
    sha: 'x',
    run: never,
    diff: never,
    disregard: never,
    isSetUp: false,
    exec: never,
    outfit: NO_OUTFIT,
    switchTo: async () => {},
    fillFrom: async () => {},
    others: [],
    settle: never,
    keepBuilt: never,
    dispose: never,
  },
  timeoutMs: 1000,
  mayWrite: () => ({ ok: true, detail: '' }),
}
/** Inputs that some tool must not take, by its name. */
const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  read: [{ path: '' }, { path: 'a', from: 0 }],
  search: [{}, { pattern: '' }],
  edit: [{ path: 'a', old: 'x' }],
  write: [{ path: 'a' }],
  apply_patch: [{ input: '' }, {}],
  run: [{ command: '' }],
}

/** Every tool: a new one is finished when this passes. */
describe.each(TOOLS.all())('the tool $name', (tool) => {
  for (const { name, run } of toolContract(tool, { wrong: WRONG[tool.name] ?? [], context })) it(name, run)
})
