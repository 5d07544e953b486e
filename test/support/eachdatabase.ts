import { afterAll, beforeAll, describe } from 'vitest'
import type { Store } from '../../src/store/types.ts'
import { embedded, hasPostgres, server, type TestDatabase } from './databases.ts'

/** The same tests on the embedded database and, where there is one, on a server. @param body what is tested; the database is there once its tests run */
export async function onEachDatabase(
  what: string,
  body: (name: string, store: () => Store, database: () => TestDatabase) => void,
): Promise<void> {
  const places = [
    ['embedded', embedded, true],
    ['PostgreSQL', server, await hasPostgres()],
  ] as const
  for (const [name, open, available] of places)
    describe.skipIf(!available)(`${what} on ${name}`, () => {
      let db: TestDatabase
      beforeAll(async () => {
        db = await open()
      })
      afterAll(() => db.drop())
      body(
        name,
        () => db.storage.store,
        () => db,
      )
    })
}
