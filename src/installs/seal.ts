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

/** Seals texts with a key made from the operator's secret. @param previous opens what was closed with it, and closes nothing any more */
export function sealWith(secret: string, previous?: string): Seal {
  const key = scryptSync(secret, SALT, 32)
  const before = previous === undefined ? [] : [scryptSync(previous, SALT, 32)]
  return {
    close(text, about) {
      const nonce = randomBytes(NONCE)
      const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(about))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
    },
    open(sealed, about) {
      const bytes = Buffer.from(sealed, 'base64')
      for (const one of [key, ...before]) {
        const text = opened(one, bytes, about)
        if (text !== undefined) return text
      }
      throw new UserError('sealed', `What is stored for ${about} cannot be opened with this MUSTER_SECRET_KEY.`, {
        hint: 'Set the key that it was stored with (as MUSTER_SECRET_KEY_PREVIOUS beside a new one), or install again.',
      })
    },
  }
}

/** Undefined where it was closed with another key, for something else, or changed since. */
function opened(key: Buffer, bytes: Buffer, about: string): string | undefined {
  try {
    const cipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE), { authTagLength: TAG })
      .setAAD(Buffer.from(about))
      .setAuthTag(bytes.subarray(NONCE, NONCE + TAG))
    return Buffer.concat([cipher.update(bytes.subarray(NONCE + TAG)), cipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}
