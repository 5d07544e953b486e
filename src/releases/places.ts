import type { Env } from '../core/environment.ts'
import { UserError } from '../core/errors.ts'
import { listed } from './listed.ts'
import type { Environment } from './types.ts'

/** Where environments are served elsewhere. The operator says so: whoever may write to a repository writes its settings. */

/** A place, and the part of it that one environment has. */
export interface Place {
  readonly at: string
  readonly part: string
}

interface Allowed extends Place {
  /** `owner/name` in small letters */
  readonly repository: string
  readonly environment: string
}

/** What an operator lists there, in words. */
export interface Places {
  readonly variable: string
  /** What a place and its part are called: `host/backend`. */
  readonly words: string
  /** Whether each has one environment alone. */
  readonly isOwn?: true
  /** What they look like. */
  readonly place: RegExp
}

/** Hosts as OpenSSH's settings call them, and backends of their HAProxy. */
export const HOSTS: Places = {
  variable: 'MUSTER_DEPLOY_HOSTS',
  words: 'host/backend',
  isOwn: true,
  place: /^(\w[\w.@-]*)\/([\w.:-]+)$/,
}

/** Contexts of kubectl's settings, and namespaces there (RFC 1123). */
export const CLUSTERS: Places = {
  variable: 'MUSTER_DEPLOY_CLUSTERS',
  words: 'context/namespace',
  place: /^(\w[\w.:/@-]*)\/([a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)$/,
}

/** Accounts of Cloudflare, and Workers there. */
export const WORKERS: Places = {
  variable: 'MUSTER_DEPLOY_CLOUDFLARE',
  words: 'account/worker',
  isOwn: true,
  place: /^([\da-f]{32})\/([a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)$/,
}

const ENTRY = /^([\w.-]+\/[\w.-]+):([\w.-]+)=(.+)$/

/** What the operator allows, as `owner/name:environment=place/part`, several with commas; undefined where that cannot be read. */
export function allowedPlaces({ variable, place, isOwn }: Places, env: Env): readonly Allowed[] | undefined {
  const all = listed(env[variable], (one) => {
    const [, repository, environment, where = ''] = ENTRY.exec(one) ?? []
    const [, at, part] = place.exec(where) ?? []
    return repository && environment && at && part
      ? { repository: repository.toLowerCase(), environment, at, part }
      : undefined
  })
  const distinct = new Set(all?.map(({ at, part }) => `${at}/${part}`))
  return isOwn && all && distinct.size < all.length ? undefined : all
}

/** @throws UserError where the operator names none */
export function placeOf(
  places: Places,
  { repository, name }: Pick<Environment, 'repository' | 'name'>,
  env: Env,
): Place {
  const found = (allowedPlaces(places, env) ?? []).find(
    (one) => one.repository === repository.toLowerCase() && one.environment === name,
  )
  if (found) return found
  throw new UserError('no_place', `Nobody has set where \`${name}\` of ${repository} is served.`, {
    hint: `The operator does, with ${places.variable}=${repository}:${name}=${places.words}.`,
  })
}
