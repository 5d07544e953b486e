/** Where set-up commands may get packages from, where the operator lists nothing else: the public registries. */
export const REGISTRIES = [
  'registry.npmjs.org',
  'registry.yarnpkg.com',
  'pypi.org',
  'files.pythonhosted.org',
  'crates.io',
  'index.crates.io',
  'static.crates.io',
  'proxy.golang.org',
  'sum.golang.org',
  'rubygems.org',
  'index.rubygems.org',
  'repo.maven.apache.org',
  'repo1.maven.org',
  'plugins.gradle.org',
  'services.gradle.org',
  'packagist.org',
  'repo.packagist.org',
  'api.nuget.org',
] as const

/** One host that may be reached. */
export interface Allowed {
  readonly host: string
  /** Undefined: the usual ports of the web. */
  readonly port: number | undefined
}

const NAME = /^(?!-)[a-z\d-]{1,63}(?:\.(?!-)[a-z\d-]{1,63}){0,10}$/
const WEB = [80, 443]

/** A list like `registry.example.com, 10.0.0.5:4873`; names are exact, nothing stands for others. @returns undefined where one of them is no host */
export function readHosts(text: string): readonly Allowed[] | undefined {
  const parts = text.split(',').map((one) => one.trim().toLowerCase())
  const hosts = parts.filter(Boolean).map(readHost)
  return hosts.every((one) => one !== undefined) ? hosts : undefined
}

function readHost(text: string): Allowed | undefined {
  const [host = '', port, ...rest] = text.split(':')
  if (rest.length > 0 || !NAME.test(host)) return undefined
  if (port === undefined) return { host, port: undefined }
  return /^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536 ? { host, port: Number(port) } : undefined
}

/** Whether a host and port are on the list: exactly as they stand there, an empty list holding nothing (security.md 32, 33). */
export function isAllowed(allowed: readonly Allowed[], host: string, port: number): boolean {
  const name = host.toLowerCase()
  if (!NAME.test(name)) return false
  return allowed.some((one) => one.host === name && (one.port === undefined ? WEB.includes(port) : one.port === port))
}

/** Whether a host name can only mean this machine itself. */
export function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i.test(host)
}

/** Whether an address leads to this machine alone. */
export function isLocalUrl(url: string): boolean {
  return URL.canParse(url) && isLoopbackHost(new URL(url).hostname)
}
