import type { Received } from './types.ts'

/** What is said of a signature that does not fit. */
export const WRONG = { ok: false, status: 401, detail: 'The signature is missing or wrong.' } as const

/** Two secrets are valid while one takes the other's place. */
export function either(secrets: readonly (string | undefined)[], check: (secret: string) => Received): Received {
  const found = secrets.filter((secret) => secret !== undefined).map(check)
  return found.find(({ ok }) => ok) ?? found[0] ?? WRONG
}
