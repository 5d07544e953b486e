import type { Prisma } from './generated/client.ts'

/**
 * The boundary between the database's JSON columns and the types. What stands there was written by this program and is
 * read back as the same type; this file is the only place where that is taken on trust.
 */
export function toJson(value: unknown): Prisma.InputJsonValue {
  return JSON.parse(JSON.stringify(value ?? {})) as Prisma.InputJsonValue
}

/** A stored value as the type it was written as. */
export function fromJson<T>(value: unknown): T {
  return value as T
}
