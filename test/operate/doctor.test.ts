import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { appStore } from '../../src/operate/app.ts'
import { doctorChecks } from '../../src/operate/doctor.ts'
import { openStorage } from '../../src/operate/storage.ts'
import { copyTemplate } from '../support/scene.ts'

const dir = mkdtempSync(join(tmpdir(), 'muster-doctor-'))
afterAll(() => rmSync(dir, { recursive: true }))
const KEY = 'the operator has a key of thirty-two characters'

it('looks at the app that the set-up page registered, and fails without one', async () => {
  copyTemplate(join(dir, 'data'))
  const env = { MUSTER_DATA: join(dir, 'data'), GITHUB_API_URL: 'http://127.0.0.1:9', MUSTER_SECRET_KEY: KEY }
  const look = async (extra: Record<string, string | undefined> = {}) => {
    const checks = await doctorChecks({ ...env, ...extra })
    return checks.find(({ name }) => name === 'GitHub App')?.run()
  }
  expect(await look()).toMatchObject({ state: 'problem', detail: expect.stringContaining('there is none') })
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  const storage = await openStorage({ databaseUrl: undefined, dataDir: env.MUSTER_DATA })
  await appStore(storage.store.instance, KEY, undefined).save({ appId: '7', privateKey, webhookSecret: 'x'.repeat(20) })
  await storage.close()
  expect(await look()).toMatchObject({ state: 'problem', detail: expect.stringContaining('GitHub cannot be reached') })
  // Restored without its key.
  await expect(look({ MUSTER_SECRET_KEY: undefined })).rejects.toMatchObject({ code: 'sealed' })
})
