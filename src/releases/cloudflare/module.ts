import { defineTarget } from '../module.ts'
import { CLOUDFLARE_KEYS } from './settings.ts'

/** A Worker on Cloudflare. */
export const cloudflare = defineTarget({
  name: 'cloudflare',
  title: 'Cloudflare',
  describe:
    '`cloudflare`: a Worker on Cloudflare, by `wrangler`: its versions, and how many requests and objects each has.',
  keys: CLOUDFLARE_KEYS,
  weighs: true,
  stored: ({ health_timeout, ...own }) => ({ ...own, healthTimeoutSeconds: health_timeout }),
  open: async (deps) => new (await import('./target.ts')).CloudflareTarget(deps),
})
