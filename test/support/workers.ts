import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Cloudflare's programs, which are fetched from npm where somebody deploys by them: in tests, where they are there already. */
const folder = (variable: string) => {
  const named = process.env[variable]
  if (named && existsSync(join(named, 'package.json'))) return { [variable]: named }
  if (process.env['CI'] === 'true') throw new Error(`${variable} has to name a folder of the package`)
  process.stderr.write(`skipped: what needs ${variable}, which names no folder of the package.\n`)
  return undefined
}

const miniflare = folder('MUSTER_MINIFLARE')
export const HAS_MINIFLARE = miniflare !== undefined
export const MINIFLARE: Readonly<Record<string, string>> = miniflare ?? {}

const wrangler = folder('MUSTER_WRANGLER')
export const HAS_WRANGLER = wrangler !== undefined
export const WRANGLER: Readonly<Record<string, string>> = wrangler ?? {}
