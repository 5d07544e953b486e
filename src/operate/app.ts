import { z } from 'zod'
import type { GithubSettings } from '../config/env.ts'
import { UserError } from '../core/errors.ts'
import { type Seal, sealWith } from '../installs/seal.ts'
import type { Store } from '../store/types.ts'

const KEY = 'github.app'
const Plain = z.object({
  appId: z.string(),
  privateKey: z.string(),
  webhookSecret: z.string(),
  slug: z.string().optional(),
  webhookProxy: z.url().optional(),
  client: z.object({ id: z.string(), secret: z.string() }).optional(),
})
const Sealed = z.object({ sealed: z.string() })

/** A GitHub App with its keys: of the settings, or registered by the set-up page and stored. */
export type StoredApp = GithubSettings & {
  readonly slug?: string | undefined
  readonly webhookProxy?: string | undefined
}

/** The app that the set-up page registered. Its keys are sealed where the operator has a key for that. */
export interface AppStore {
  /** @throws UserError `sealed` where it cannot be opened, with what to do */
  load(): Promise<StoredApp | undefined>
  save(app: StoredApp): Promise<void>
}

/** @param previous the key of before, which opens what was sealed with it */
export function appStore(
  instance: Pick<Store['instance'], 'get' | 'set'>,
  secretKey: string | undefined,
  previous: string | undefined,
): AppStore {
  const seal = secretKey === undefined ? undefined : sealWith(secretKey, previous)
  const save = (app: StoredApp) => instance.set(KEY, seal ? { sealed: seal.close(JSON.stringify(app), KEY) } : app)
  return {
    save,
    async load() {
      const stored: unknown = await instance.get(KEY)
      const sealed = Sealed.safeParse(stored)
      const read = Plain.safeParse(sealed.success ? opened(seal, sealed.data.sealed) : stored)
      if (!read.success) return undefined
      // Stored before there was a key, or with the one of before.
      if (seal && (!sealed.success || previous !== undefined)) await save(read.data)
      return read.data
    },
  }
}

function opened(seal: Seal | undefined, sealed: string): unknown {
  if (seal) return JSON.parse(seal.open(sealed, KEY))
  throw new UserError('sealed', 'The keys of the GitHub App are sealed with MUSTER_SECRET_KEY, and that is not set.', {
    hint: 'Set the key that this server had (a backup does not hold it). Where it is lost, set APP_ID, PRIVATE_KEY and WEBHOOK_SECRET: GitHub gives out a new private key on the page of the app.',
  })
}
