import type { Doc, User } from './types.ts'

/** Whether somebody may read a document. */
export function mayRead(user: User, doc: Doc): boolean {
  return user.isAdmin || doc.owner === user.id || (doc.team !== undefined && doc.team === user.team)
}

/** Whether somebody may give a document to others. */
export function mayShare(user: User, doc: Doc): boolean {
  if (doc.isLocked) return false
  return user.isAdmin || doc.owner === user.id
}
