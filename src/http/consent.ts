import { createHmac, randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isSameSecret } from '../core/hash.ts'

/**
 * What a sign-in and an installation have in common: the browser is sent to a vendor, whose answer counts only in the browser in
 * which it was begun. A cookie holds that browser's secret, and the state is signed with it (RFC 6749, 10.12).
 */
export interface Begun {
  readonly cookie: string
  /** The only addresses that the cookie is sent to. */
  readonly path: string
  readonly minutes: number
  readonly publicUrl: string
}

/** Marks the browser in which something is begun. @returns its secret */
export function begin(reply: FastifyReply, { cookie, path, minutes, publicUrl }: Begun): string {
  const secret = randomBytes(32).toString('base64url')
  const secure = publicUrl.startsWith('https:') ? '; Secure' : ''
  reply.header(
    'set-cookie',
    `${cookie}=${secret}; Path=${path}; HttpOnly; SameSite=Lax; Max-Age=${minutes * 60}${secure}`,
  )
  return secret
}

/** The secret of a browser in which something was begun. */
export function browserOf({ headers }: FastifyRequest, cookie: string): string | undefined {
  return new RegExp(`(?:^|; )${cookie}=([\\w-]{43})(?:;|$)`).exec(headers.cookie ?? '')?.[1]
}

/** HMAC-SHA256 of a text, base64url. */
export function signatureOf(key: string, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

/** Whether a signature is that of this text, compared in constant time. */
export function isSigned(key: string, text: string, signature: string): boolean {
  return isSameSecret(signature, signatureOf(key, text))
}

/** A named part of the address, or none. */
export function partOf({ params }: FastifyRequest, name: string): string {
  const value: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, name) : undefined
  return typeof value === 'string' ? value : ''
}
