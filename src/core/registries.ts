/** Whose packages a registry has: npm's (all, or those of one scope), Python's, Go's. */
export type RegistryKind = 'npm' | 'pypi' | 'go'

/** A registry that wants to know who asks. Commands are told of another host, behind which it stands; they never see the secret. */
export interface PrivateRegistry {
  readonly kind: RegistryKind
  /** npm: the scope whose packages it has, with its `@`; undefined: all packages. */
  readonly scope: string | undefined
  readonly url: string
  /** What is said in the header of that name; undefined: nothing. */
  readonly authorization: string | undefined
}

const ENTRY = /^(npm|pypi|go)(?::(@[a-z\d][\w.-]{0,100}))?=(https?:\/\/[^\s#]{1,300})(?:#([A-Za-z_]\w{0,100}))?$/

/**
 * Reads a list like `npm=https://npm.example.com/#NPM_TOKEN, npm:@acme=https://npm.acme.example/#ACME_TOKEN`.
 * @param variable the value of a variable that an entry names: a token, or `user:password`
 * @returns what is wrong where an entry cannot be read
 */
export function readRegistries(
  text: string,
  variable: (name: string) => string | undefined,
): { readonly registries: readonly PrivateRegistry[]; readonly wrong: readonly string[] } {
  const wrong: string[] = []
  const registries = text
    .split(/[\s,]+/)
    .filter(Boolean)
    .flatMap((entry): PrivateRegistry[] => {
      const [, kind, scope, url = '', name] = ENTRY.exec(entry) ?? []
      const value = name === undefined ? undefined : variable(name)
      if (!isKind(kind) || (scope !== undefined && kind !== 'npm') || !URL.canParse(url))
        wrong.push(`"${entry}" is no registry`)
      else if (new URL(url).username || new URL(url).password)
        wrong.push(`the address of ${kind} holds a password, which belongs into a variable of its own`)
      else if (name !== undefined && !value) wrong.push(`${name}, which "${entry}" names, is not set`)
      else return [{ kind, scope, url, authorization: value && authorizationOf(value) }]
      return []
    })
  return { registries, wrong }
}

/** The variables that a list of registries names. */
export function variablesOf(text = ''): string[] {
  return text.split(/[\s,]+/).flatMap((entry) => ENTRY.exec(entry)?.[4] ?? [])
}

function isKind(kind: string | undefined): kind is RegistryKind {
  return kind === 'npm' || kind === 'pypi' || kind === 'go'
}

function authorizationOf(secret: string): string {
  return secret.includes(':') ? `Basic ${Buffer.from(secret).toString('base64')}` : `Bearer ${secret}`
}

/** No name server knows such names (RFC 6761). All of npm's are asked for by one: where a package comes from, its scope says. */
const aliasOf = (kind: RegistryKind) => `${kind}.registry.invalid`

/** npm's public registry, for whatever no private one has. */
const PUBLIC: PrivateRegistry = {
  kind: 'npm',
  scope: undefined,
  url: 'https://registry.npmjs.org/',
  authorization: undefined,
}

/** How programs are told to ask for packages there. */
export function registryEnv(registries: readonly PrivateRegistry[]): Record<string, string> {
  return Object.assign({}, ...registries.map(envOf))
}

function envOf({ kind, url }: PrivateRegistry): Record<string, string> {
  const alias = aliasOf(kind)
  const address = `http://${alias}${kind === 'npm' ? '/' : new URL(url).pathname}`
  switch (kind) {
    case 'npm':
      // The addresses in lists and lock files are the registry's own: only the host is another one here.
      return {
        npm_config_registry: address,
        npm_config_replace_registry_host: 'always',
        YARN_REGISTRY: address,
        YARN_NPM_REGISTRY_SERVER: address,
        YARN_UNSAFE_HTTP_WHITELIST: alias,
        BUN_CONFIG_REGISTRY: address,
      }
    case 'pypi':
      return { PIP_INDEX_URL: address, PIP_TRUSTED_HOST: alias, UV_DEFAULT_INDEX: address, UV_INSECURE_HOST: alias }
    case 'go':
      return { GOPROXY: address, GOINSECURE: '*', GONOSUMDB: '*', GOSUMDB: 'off' }
  }
}

/** Whether a host stands for a registry. */
export function isRegistryAlias(registries: readonly PrivateRegistry[], host: string): boolean {
  return registries.some(({ kind }) => aliasOf(kind) === host)
}

/**
 * Where a request for an alias goes: always below the address of a registry.
 * @returns undefined where it leads out of that, or would do more than read: with somebody's secret nothing is published
 */
export function behind(
  registries: readonly PrivateRegistry[],
  { method, url }: { readonly method: string | undefined; readonly url: URL },
): { readonly url: URL; readonly authorization: string | undefined } | undefined {
  const own = registries.filter(({ kind }) => aliasOf(kind) === url.hostname)
  // `URL` has resolved `..` by now; encoded ones would be resolved by whoever is asked.
  if (own.length === 0 || (method !== 'GET' && method !== 'HEAD') || /%2e|%5c|\\/i.test(url.pathname)) return undefined
  const found =
    own.find(({ scope }) => scope !== undefined && hasScope(url.pathname, scope)) ??
    own.find((one) => !one.scope) ??
    PUBLIC
  const target = new URL(found.url)
  const below = target.pathname.endsWith('/') ? target.pathname : `${target.pathname}/`
  target.pathname = `${url.pathname}/`.startsWith(below) ? url.pathname : below + url.pathname.replace(/^\//, '')
  target.search = url.search
  return { url: target, authorization: found.authorization }
}

/** Packages of a scope are asked for as `/@acme%2fleft`, their files lie below `/@acme/`. */
function hasScope(path: string, scope: string): boolean {
  return path.toLowerCase().replaceAll('%2f', '/').replaceAll('%40', '@').includes(`/${scope}/`)
}
