import { LocalTarget } from '../../src/releases/local/target.ts'
import type { Environment, TargetDeps } from '../../src/releases/types.ts'
import type { TestDatabase } from './databases.ts'

/** What a target on this machine is opened with. */
export function targetDeps(db: TestDatabase, dir: string, more: Partial<TargetDeps> = {}): TargetDeps {
  return {
    env: {},
    now: Date.now,
    dir,
    store: db.storage.store.releases,
    host: '127.0.0.1',
    publicHost: 'localhost',
    redact: (text) => text,
    log: () => {},
    ...more,
  }
}

export function localTarget(db: TestDatabase, dir: string, more: Partial<TargetDeps> = {}): LocalTarget {
  return new LocalTarget(targetDeps(db, dir, more))
}

/** The environment production of acme/x, as it is stored. @param port that people use */
export function productionAt(port: number, more: Partial<Environment['settings']> = {}): Environment {
  return {
    repository: 'acme/x',
    name: 'production',
    settings: {
      target: 'local-process',
      build: undefined,
      start: 'node server.mjs',
      health: '/healthz',
      port,
      healthTimeoutSeconds: 60,
      watchSeconds: 5,
      auto: false,
      approval: 'other',
      env: {},
      ...more,
    },
  }
}
