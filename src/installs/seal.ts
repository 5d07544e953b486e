import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto'
import { UserError } from '../core/errors.ts'

/** AES-256-GCM (NIST SP 800-38D): 96 bits of nonce, 128 of tag. */
const ALGORITHM = 'aes-256-gcm'
const NONCE = 12
const TAG = 16
const SALT = 'muster.installs.1'

/** Closes texts so that only the same secret opens them. */
export interface Seal {
  /** @param about what the text belongs to: it can be opened for that alone */
  close(text: string, about: string): string
  /** @throws UserError when it was closed with another key, for something else, or changed since */
  open(sealed: string, about: string): string
}

/** Seals texts with a key made from the operator's secret. */
export function sealWith(secret: string): Seal {
  const key = scryptSync(secret, SALT, 32)
  return {
    close(text, about) {
      const nonce = randomBytes(NONCE)
      const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(about))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
    },
    open(sealed, about) {
      const bytes = Buffer.from(sealed, 'base64')
      try {
        const cipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE), { authTagLength: TAG })
          .setAAD(Buffer.from(about))
          .setAuthTag(bytes.subarray(NONCE, NONCE + TAG))
        return Buffer.concat([cipher.update(bytes.subarray(NONCE + TAG)), cipher.final()]).toString('utf8')
      } catch (error) {
        throw new UserError('sealed', `What is stored for ${about} cannot be opened with this MUSTER_SECRET_KEY.`, {
          hint: 'Set the key that it was stored with, or install again.',
          cause: error,
        })
      }
    },
  }
}
