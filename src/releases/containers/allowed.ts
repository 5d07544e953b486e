import type { Env } from '../../core/environment.ts'
import { listed } from '../listed.ts'
import { UserError } from '../../core/errors.ts'

/** Images that the services of one repository may be run of. */
interface Allowed {
  /** `owner/name` in small letters */
  readonly repository: string
  /** An image, without tag or digest; one that ends with `/` stands for all below it. */
  readonly image: string
}

const ENTRY = /^([\w.-]+\/[\w.-]+)=([a-z\d][\w.:/-]*)$/

/** What the operator allows, as `MUSTER_DEPLOY_IMAGES=owner/name=registry/image`, several with commas; undefined where that cannot be read. */
export function allowedImages(env: Env): readonly Allowed[] | undefined {
  return listed(env['MUSTER_DEPLOY_IMAGES'], (one) => {
    const [, repository, image] = ENTRY.exec(one) ?? []
    return repository && image ? { repository: repository.toLowerCase(), image } : undefined
  })
}

/** An image without its tag and digest. */
export function bareImage(image: string): string {
  const [name = ''] = image.split('@')
  const colon = name.lastIndexOf(':')
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name
}

/** Whoever may write to a repository names its image, and the engine may be let into registries that are not theirs. @throws UserError */
export function mustBeAllowed(repository: string, image: string, env: Env): void {
  const bare = bareImage(image)
  const isAllowed = (allowedImages(env) ?? []).some(
    (one) =>
      one.repository === repository.toLowerCase() &&
      (one.image.endsWith('/') ? bare.startsWith(one.image) && !bare.includes('..') : bare === one.image),
  )
  if (!isAllowed)
    throw new UserError('image_not_allowed', `Services of ${repository} may not be run of the image ${bare}.`, {
      hint: `The operator allows it with MUSTER_DEPLOY_IMAGES=${repository}=${bare}.`,
    })
}

/** Whether what a repository builds may rest on images of this machine: where the operator lists one that is only here. */
export function mayUseLocal(repository: string, env: Env): boolean {
  const own = (allowedImages(env) ?? []).filter((one) => one.repository === repository.toLowerCase())
  return own.some(({ image }) => image.startsWith('localhost/'))
}
