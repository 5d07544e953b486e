import { parse as parseJsonc, type ParseError } from 'jsonc-parser'
import { parse as parseToml } from 'smol-toml'
import { z } from 'zod'
import { UserError } from '../../core/errors.ts'

/** A Cloudflare Worker as its repository describes it (developers.cloudflare.com/workers/wrangler/configuration). */
export interface Worker {
  /** The module that is run, from the top of the repository's Worker; undefined where there is none. */
  readonly main: string | undefined
  readonly compatibilityDate: string
  readonly compatibilityFlags: readonly string[]
  /** The classes of its objects, as it reaches them. */
  readonly objects: readonly ObjectBinding[]
  readonly vars: Readonly<Record<string, unknown>>
  /** The newest migration of its objects' storage. */
  readonly migration: string | undefined
  /** All of it, as it is written. */
  readonly raw: Readonly<Record<string, unknown>>
  /** What of it only Cloudflare has, by the names of the settings. */
  readonly others: readonly string[]
}

/** One class of objects. */
export interface ObjectBinding {
  /** The variable by which it is reached. */
  readonly binding: string
  readonly className: string
  /** Whose storage it has: the name that the class had first, whatever it is called now. */
  readonly key: string
  readonly isSql: boolean
}

/** Where a Worker is described, the first that is there. */
export const CONFIG_FILES = ['wrangler.jsonc', 'wrangler.json', 'wrangler.toml'] as const

const names = z.array(z.string()).default([])
const Migration = z.looseObject({
  tag: z.string(),
  new_classes: names,
  new_sqlite_classes: names,
  renamed_classes: z.array(z.object({ from: z.string(), to: z.string() })).default([]),
  deleted_classes: names,
  transferred_classes: z.array(z.unknown()).default([]),
})
const Config = z.looseObject({
  name: z.string().optional(),
  main: z.string().optional(),
  compatibility_date: z.iso.date(),
  compatibility_flags: names,
  vars: z.record(z.string(), z.unknown()).default({}),
  durable_objects: z
    .object({
      bindings: z.array(z.object({ name: z.string(), class_name: z.string(), script_name: z.string().optional() })),
    })
    .default({ bindings: [] }),
  migrations: z.array(Migration).default([]),
  env: z.record(z.string(), z.looseObject({})).default({}),
})
type Config = z.infer<typeof Config>

/** What a file may say that changes nothing of how a Worker is served. */
const HARMLESS = new Set(
  `$schema name main compatibility_date compatibility_flags vars durable_objects migrations env account_id base_dir rules build no_bundle minify keep_names
  tsconfig jsx_factory jsx_fragment find_additional_modules preserve_file_names upload_source_maps define alias dev send_metrics legacy_env keep_vars
  workers_dev preview_urls route routes placement observability logpush limits`.split(/\s+/),
)

/** What a section has that does not say otherwise; variables and bindings it has of its own alone (wrangler's "non-inheritable keys"). */
const INHERITED = new Set(
  [...HARMLESS, 'assets', 'triggers'].filter((key) => !['vars', 'durable_objects', 'define', 'env'].includes(key)),
)

/**
 * Reads it.
 * @param file its name, which says how it is written
 * @param section one of its `env`, whose settings count before the others
 * @throws UserError where it cannot be read, or says what cannot be
 */
export function workerIn(text: string, file: string, section?: string): Worker {
  const parsed = Config.safeParse(rawIn(text, file, section))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw bad(file, `${issue?.path.join('.') || 'it'}: ${issue?.message}`)
  }
  const config = parsed.data
  const storages = storagesOf(config, file)
  const objects = config.durable_objects.bindings.map(({ name, class_name: className, script_name: script }) => {
    if (script) throw bad(file, `\`${name}\` is an object of another Worker (\`script_name\`)`)
    const storage = storages.get(className)
    if (storage) return { binding: name, className, ...storage }
    throw bad(file, `no migration makes the class \`${className}\`; \`new_sqlite_classes\` does`)
  })
  return {
    main: config.main,
    compatibilityDate: config.compatibility_date,
    compatibilityFlags: config.compatibility_flags,
    objects,
    vars: config.vars,
    migration: config.migrations.at(-1)?.tag,
    raw: config,
    others: Object.keys(config).filter((key) => !HARMLESS.has(key) && !isEmpty(config[key])),
  }
}

function rawIn(text: string, file: string, section: string | undefined): unknown {
  const raw = file.endsWith('.toml') ? tomlIn(text, file) : jsonIn(text, file)
  if (section === undefined) return raw
  const { env } = z.looseObject({ env: z.record(z.string(), z.looseObject({})).optional() }).parse(raw)
  const own = env && Object.hasOwn(env, section) ? env[section] : undefined
  if (own) {
    const kept = Object.entries(Object(raw)).filter(([key]) => INHERITED.has(key))
    return { ...Object.fromEntries(kept), ...own }
  }
  throw bad(file, `\`env\` has no \`${section}\``)
}

function tomlIn(text: string, file: string): unknown {
  try {
    return parseToml(text)
  } catch (error) {
    throw bad(file, error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'it is no TOML')
  }
}

function jsonIn(text: string, file: string): unknown {
  const errors: ParseError[] = []
  const raw: unknown = parseJsonc(text, errors, { allowTrailingComma: true })
  if (errors.length > 0) throw bad(file, 'it is no JSON')
  return raw
}

interface Storage {
  readonly key: string
  readonly isSql: boolean
}

/** Which class has which storage once every migration was made: a new name has the storage of the old one; what was deleted and comes again begins anew. */
function storagesOf({ migrations }: Config, file: string): ReadonlyMap<string, Storage> {
  const storages = new Map<string, Storage>()
  const made = new Map<string, number>()
  const make = (name: string, isSql: boolean) => {
    const nth = (made.get(name) ?? 0) + 1
    made.set(name, nth)
    storages.set(name, { key: nth > 1 ? `${name}-${nth}` : name, isSql })
  }
  for (const one of migrations) {
    if (one.transferred_classes.length > 0)
      throw bad(file, `the migration \`${one.tag}\` takes objects from another Worker`)
    for (const name of one.new_classes) make(name, false)
    for (const name of one.new_sqlite_classes) make(name, true)
    // All at once: two may have changed their names.
    const renamed = one.renamed_classes.map(({ from, to }) => {
      const storage = storages.get(from)
      if (!storage) throw bad(file, `the migration \`${one.tag}\` renames \`${from}\`, which no migration makes`)
      return { from, to, storage }
    })
    for (const { from } of renamed) storages.delete(from)
    for (const { to, storage } of renamed) {
      if (storages.has(to)) throw bad(file, `the migration \`${one.tag}\` gives two classes the name \`${to}\``)
      storages.set(to, storage)
    }
    for (const name of one.deleted_classes) storages.delete(name)
  }
  return storages
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true
  return typeof value === 'object' && Object.values(value).every((one) => isEmpty(one))
}

function bad(file: string, what: string): UserError {
  return new UserError('bad_worker', `\`${file}\` cannot be used: ${what}.`)
}
