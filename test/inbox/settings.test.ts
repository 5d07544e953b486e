import { expect, it } from 'vitest'
import { defaultRepositorySettings, parseRepositorySettings } from '../../src/config/repository.ts'
import { settingsSource } from '../../src/inbox/settings.ts'
import { origin } from '../support/tasks.ts'

const { repository } = origin
const defaults = defaultRepositorySettings()

function source() {
  const world: { now: number; text: string | undefined; asked: number } = { now: 0, text: undefined, asked: 0 }
  const settingsFile = async () => {
    world.asked++
    return world.text === undefined ? undefined : { text: world.text, where: '.github/muster.yml' }
  }
  return { world, settings: settingsSource({ settingsFile }, parseRepositorySettings, defaults, () => world.now) }
}

it('are the defaults where there is no file', async () => {
  const { settings } = source()
  expect(await settings.load(repository, true)).toEqual({ ok: true, settings: defaults })
})

it('are remembered for a minute, each repository’s by itself, and asked for anew by whatever starts or approves', async () => {
  const { world, settings } = source()
  await settings.load(repository, false)
  world.text = 'label: robot\n'
  world.now = 59_999
  expect(await settings.load(repository, false)).toMatchObject({ settings: { label: defaults.label } })
  expect(await settings.load({ ...repository, id: 10 }, false)).toMatchObject({ settings: { label: 'robot' } })
  expect(await settings.load(repository, true)).toMatchObject({ settings: { label: 'robot' } })
  world.text = undefined
  world.now = 119_998
  expect(await settings.load(repository, false)).toMatchObject({ settings: { label: 'robot' } })
  world.now = 119_999
  expect(await settings.load(repository, false)).toMatchObject({ settings: { label: defaults.label } })
  expect(world.asked).toBe(4)
})

it('that cannot be read say where and what, and the text that people have to mend', async () => {
  const { world, settings } = source()
  world.text = 'lable: robot\n'
  const loaded = await settings.load(repository, false)
  expect(loaded).toMatchObject({ ok: false, where: '.github/muster.yml', text: world.text })
  expect(!loaded.ok && loaded.problems.length).toBeGreaterThan(0)
  // Mended at once: what starts work asks anew.
  world.text = 'label: robot\n'
  expect(await settings.load(repository, true)).toMatchObject({ ok: true })
})

it('are not remembered where asking failed', async () => {
  let fails = true
  const settingsFile = () => (fails ? Promise.reject(new Error('down')) : Promise.resolve(undefined))
  const settings = settingsSource({ settingsFile }, parseRepositorySettings, defaults, () => 0)
  await expect(settings.load(repository, false)).rejects.toThrow('down')
  fails = false
  expect(await settings.load(repository, false)).toMatchObject({ ok: true })
})
