import { createHash } from 'node:crypto'

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
  /** The name by which commands ask for it. */
  readonly alias: string
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
      else return [{ kind, scope, url, authorization: value && authorizationOf(value), alias: aliasOf(kind, scope) }]
      return []
    })
  return { registries, wrong }
}

function isKind(kind: string | undefined): kind is RegistryKind {
  return kind === 'npm' || kind === 'pypi' || kind === 'go'
}

function authorizationOf(secret: string): string {
  return secret.includes(':') ? `Basic ${Buffer.from(secret).toString('base64')}` : `Bearer ${secret}`
}

/** No name server knows such names (RFC 6761). */
function aliasOf(kind: RegistryKind, scope: string | undefined): string {
  const own = scope === undefined ? '' : `-${createHash('sha256').update(scope).digest('hex').slice(0, 8)}`
  return `${kind}${own}.registry.invalid`
}

/** How programs are told to ask for packages there. */
export function registryEnv(registries: readonly PrivateRegistry[]): Record<string, string> {
  return Object.assign({}, ...registries.map(envOf))
}

function envOf({ kind, scope, url, alias }: PrivateRegistry): Record<string, string> {
  const { pathname } = new URL(url)
  const address = `http://${alias}${pathname}`
  switch (kind) {
    case 'npm':
      // The addresses of its files are its own: only the host is another one here.
      if (scope !== undefined)
        return { [`npm_config_${scope}:registry`]: address, npm_config_replace_registry_host: 'always' }
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

/**
 * Where a request for an alias goes.
 * @returns undefined where it leads elsewhere than below the registry's address, or would do more than read: with somebody's secret
 * nothing is published
 */
export function behind(
  registries: readonly PrivateRegistry[],
  { method, url }: { readonly method: string | undefined; readonly url: URL },
): { readonly url: URL; readonly authorization: string | undefined } | undefined {
  const found = registries.find(({ alias }) => alias === url.hostname)
  if (!found || (method !== 'GET' && method !== 'HEAD')) return undefined
  const target = new URL(found.url)
  const below = target.pathname.endsWith('/') ? target.pathname : `${target.pathname}/`
  // `URL` has resolved `..` by now; encoded ones would be resolved by whoever is asked.
  if (/%2e|%5c|\\/i.test(url.pathname) || !`${url.pathname}/`.startsWith(below)) return undefined
  target.pathname = url.pathname
  target.search = url.search
  return { url: target, authorization: found.authorization }
}
