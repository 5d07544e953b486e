import http from 'node:http'
import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import { UserError } from '../core/errors.ts'

type Env = Readonly<Record<string, string | undefined>>

/** The ways out that the operator set, in the names that programs know; undefined where none is. */
export interface Proxies {
  readonly HTTP_PROXY?: string
  readonly HTTPS_PROXY?: string
  readonly NO_PROXY: string
}

/** This machine is never asked through a proxy. */
const HERE = ['localhost', '127.0.0.1', '::1']

/** Programs write these names in small letters too, which count first (curl's manual, "environment"). */
export function proxiesIn(env: Env): Proxies | undefined {
  const of = (name: string) => env[name.toLowerCase()] || env[name] || undefined
  const proxy = (name: string) => {
    const value = of(name)
    if (value === undefined || (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol))) return value
    throw new UserError(
      'bad_settings',
      `${name} is no address of a proxy: it should be like http://proxy.example:3128.`,
    )
  }
  const [plain, secure] = [proxy('HTTP_PROXY'), proxy('HTTPS_PROXY')]
  if (!plain && !secure) return undefined
  const no = [...(of('NO_PROXY') ?? '').split(',').map((one) => one.trim()), ...HERE].filter(Boolean)
  return {
    ...(plain ? { HTTP_PROXY: plain } : {}),
    ...(secure ? { HTTPS_PROXY: secure } : {}),
    NO_PROXY: [...new Set(no)].join(','),
  }
}

/** What of the proxies' addresses is secret. */
export function proxySecrets(env: Env): string[] {
  const { HTTP_PROXY: plain, HTTPS_PROXY: secure } = proxiesIn(env) ?? {}
  return [plain, secure].flatMap((one) => (one ? [new URL(one).password] : [])).filter(Boolean)
}

/** The proxy on the way to a host by HTTPS; undefined: it is reached directly. */
export function proxyFor(env: Env, host: string): URL | undefined {
  const { HTTPS_PROXY: proxy, NO_PROXY: none = '' } = proxiesIn(env) ?? {}
  const name = host.toLowerCase()
  const isDirect = none.split(',').some((one) => {
    const bare = one.toLowerCase().replace(/^\*?\./, '')
    return one === '*' || name === bare || name.endsWith(`.${bare}`)
  })
  return proxy && !isDirect && URL.canParse(proxy) ? new URL(proxy) : undefined
}

/** Every request of this process goes through them: those of `fetch`, and those of the libraries that use Node's own agents. */
export function useProxies(env: Env): void {
  const proxies = proxiesIn(env)
  // Newer than the types of Node that are used here (Node 24.14, "http.setGlobalProxyFromEnv").
  const set: unknown = Reflect.get(http, 'setGlobalProxyFromEnv')
  if (!proxies) return
  if (typeof set !== 'function') throw new Error('this Node cannot use a proxy: 24.14 or newer is needed')
  Reflect.apply(set, http, [proxies])
}

/**
 * The authorities that programs other than Node should trust: those that Node knows, and the operator's own (`NODE_EXTRA_CA_CERTS`).
 * @returns PEM; undefined where the operator has none
 * @throws UserError where they cannot be read
 */
export function authorities(env: Env): string | undefined {
  const file = env['NODE_EXTRA_CA_CERTS']
  if (!file) return undefined
  try {
    return [...rootCertificates, readFileSync(file, 'utf8')].join('\n')
  } catch (error) {
    throw new UserError('bad_settings', `NODE_EXTRA_CA_CERTS names a file that cannot be read: ${file}.`, {
      cause: error,
    })
  }
}
