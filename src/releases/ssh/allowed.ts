import type { Env } from '../../core/environment.ts'
import { UserError } from '../../core/errors.ts'
import { listed } from '../listed.ts'
import type { Environment } from '../types.ts'

/** Where one environment is served: the operator says so, since whoever may write to a repository writes its settings. */
interface Allowed extends Place {
  /** `owner/name` in small letters */
  readonly repository: string
  readonly environment: string
}

/** A host, as OpenSSH's settings call it, and the backend of its HAProxy. */
export interface Place {
  readonly host: string
  readonly backend: string
}

const ENTRY = /^([\w.-]+\/[\w.-]+):([\w.-]+)=(\w[\w.@-]*)\/([\w.:-]+)$/

/** What the operator allows, as `MUSTER_DEPLOY_HOSTS=owner/name:environment=host/backend`, several with commas; undefined where that cannot be read. */
export function allowedHosts(env: Env): readonly Allowed[] | undefined {
  return listed(env['MUSTER_DEPLOY_HOSTS'], (one) => {
    const [, repository, environment, host, backend] = ENTRY.exec(one) ?? []
    return repository && environment && host && backend
      ? { repository: repository.toLowerCase(), environment, host, backend }
      : undefined
  })
}

/** @throws UserError where the operator names none */
export function placeOf({ repository, name }: Pick<Environment, 'repository' | 'name'>, env: Env): Place {
  const found = (allowedHosts(env) ?? []).find(
    (one) => one.repository === repository.toLowerCase() && one.environment === name,
  )
  if (found) return found
  throw new UserError('no_host', `No host is set on which \`${name}\` of ${repository} is served.`, {
    hint: `The operator names it with MUSTER_DEPLOY_HOSTS=${repository}:${name}=host/backend.`,
  })
}
