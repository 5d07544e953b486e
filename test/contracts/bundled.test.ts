import { describe, expect, it } from 'vitest'
import { BUNDLED } from '../../src/plugin/bundled.ts'
import { contractsOf } from '../../src/plugin/contracts/all.ts'
import { loadPlugins } from '../../src/plugin/load.ts'
import { plugins } from '../../src/plugin/register.ts'

await loadPlugins({})
const contracts = await Promise.all(
  BUNDLED.map(async ({ plugin, bench }) => contractsOf(plugin, (await bench()).default)),
)

it('every extension that comes with Muster is loaded', () => {
  expect(plugins()).toEqual(BUNDLED.map(({ plugin }) => plugin))
})

/** Every part of each: a new one is finished when this passes. */
for (const { about, checks } of contracts.flat())
  describe(about, () => {
    it('has a bench', () => expect(typeof checks === 'string' ? checks : '').toBe(''))
    for (const { name, run } of typeof checks === 'string' ? [] : checks) it(name, run)
  })
