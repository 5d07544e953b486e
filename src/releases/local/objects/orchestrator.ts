import { fileURLToPath } from 'node:url'
import { UserError } from '../../../core/errors.ts'
import type { Lead, Version } from './protocol.ts'

/**
 * The Worker that serves an environment: it has the modules of the releases that lead, one or two, and decides by which of them a request
 * is answered and an object runs. An object has one storage, whichever release it runs (`kinds`), and at each moment one release.
 */

const PARTS = fileURLToPath(new URL('orchestrator.mjs', import.meta.url))

/** A class of objects over all releases: one storage, and what each release calls it. */
export interface Kind {
  readonly key: string
  readonly isSql: boolean
  /** What the orchestrator exports it as, and the variable by which it reaches it. */
  readonly name: string
  /** By release. */
  readonly classes: Readonly<Record<string, string>>
}

/** @throws UserError where two releases mean different storages by the same name */
export function kindsOf(versions: readonly Version[]): Kind[] {
  const kinds = new Map<string, Kind>()
  for (const { id, objects } of versions)
    for (const { key, isSql, className } of objects) {
      const known = kinds.get(key) ?? { key, isSql, name: `Kind${kinds.size}`, classes: {} }
      if (known.isSql !== isSql)
        throw new UserError('bad_worker', `The storage of \`${className}\` is of another kind than it was before.`)
      kinds.set(key, { ...known, classes: { ...known.classes, [id]: className } })
    }
  return [...kinds.values()]
}

/** What it is told of the releases: plain data. */
export function tableOf(versions: readonly Version[], lead: Lead, kinds: readonly Kind[]) {
  const byId = versions.map(({ id, sha, vars, objects }) => {
    const bindings = objects.map(({ binding, key }) => [binding, kinds.find((kind) => kind.key === key)?.name ?? ''])
    return [id, { sha, vars, bindings: Object.fromEntries(bindings) }]
  })
  return {
    versions: Object.fromEntries(byId),
    kinds: Object.fromEntries(kinds.map(({ name, key, classes }) => [name, { key, classes }])),
    lead,
  }
}

/** Its source: the modules of the releases, a class for each kind of objects, and what decides. */
export function sourceOf(versions: readonly Version[], kinds: readonly Kind[]): string {
  const imports = versions.map(({ main }, nth) => `import * as module${nth} from ${JSON.stringify(main)}`)
  const modules = versions.map(({ id }, nth) => `${JSON.stringify(id)}: module${nth}`)
  const checks = versions.flatMap(({ objects }, nth) =>
    objects.map(({ className }) => `mustExport(module${nth}, ${JSON.stringify(className)})`),
  )
  const classes = kinds.map(({ name }) => `export const ${name} = kind(MODULES, '${name}')`)
  return [
    `import { answered, kind, mustExport } from ${JSON.stringify(PARTS)}`,
    `export { MusterOrchestrator } from ${JSON.stringify(PARTS)}`,
    ...imports,
    `const MODULES = { ${modules.join(', ')} }`,
    ...checks,
    ...classes,
    'export default { fetch: (request, env, ctx) => answered(MODULES, request, env, ctx) }',
    '',
  ].join('\n')
}
