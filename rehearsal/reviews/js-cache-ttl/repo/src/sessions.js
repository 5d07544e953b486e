import { Cache } from './cache.js'

const sessions = new Cache(1000)

/** Called on each request of somebody who is signed in. */
export function remember(token, user) {
  sessions.set(token, user)
}

export function userOf(token) {
  return sessions.get(token)
}
