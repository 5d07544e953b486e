/** Repositories inside a repository, as `.gitmodules` names them. Pure. */

/** A repository of the same server. */
export interface NamedRepository {
  readonly owner: string
  readonly name: string
}

const NAME = /^[\w.-]{1,100}$/

/**
 * The repository that the address of a submodule leads to; undefined where that is on another server, or no address.
 * @param url as it stands in `.gitmodules`: whole, or relative to the repository (`../other.git`) @param of the repository it stands in, and its server
 */
export function submoduleOf(
  url: string,
  of: NamedRepository & { readonly server: string },
): NamedRepository | undefined {
  const path = pathOf(url, of)
  const parts =
    path
      ?.replace(/\.git\/?$/, '')
      .split('/')
      .filter(Boolean) ?? []
  const [owner = '', name = ''] = parts
  const isName = (text: string) => NAME.test(text) && !/^\.+$/.test(text)
  return parts.length === 2 && isName(owner) && isName(name) ? { owner, name } : undefined
}

function pathOf(
  url: string,
  { owner, name, server }: NamedRepository & { readonly server: string },
): string | undefined {
  const host = new URL(server).hostname
  const [, sshHost, sshPath] = /^(?:[\w.-]{1,50}@)?([\w.-]{1,200}):(?!\/\/)([^\s\\]{1,300})$/.exec(url) ?? []
  if (sshHost !== undefined) return sshHost === host ? sshPath : undefined
  if (/^\.\.?\//.test(url)) return new URL(url, `http://h/${owner}/${name}/`).pathname
  if (!URL.canParse(url)) return undefined
  const { protocol, hostname, pathname } = new URL(url)
  return /^(?:https?|ssh|git):$/.test(protocol) && hostname === host ? pathname : undefined
}

/** Whether a path of a tree is safe to fill: it says nothing but where it is. */
export function isPlainPath(path: string): boolean {
  // A carriage return at the end of one has git look elsewhere (CVE-2025-48384).
  const parts = path.split('/')
  return (
    !/[\u0000-\u001f\u007f\\]/.test(path) && parts.every((part) => part !== '' && !/^(?:\.{1,2}|\.git)$/i.test(part))
  )
}
