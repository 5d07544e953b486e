import { Cache } from './cache.js'

const HALF_AN_HOUR = 30 * 60 * 1000
const sessions = new Cache(1000)

/** Called on each request of somebody who is signed in: half an hour without one, and they sign in again. */
export function remember(token, user) {
  sessions.set(token, user, HALF_AN_HOUR)
}

export function userOf(token) {
  return sessions.get(token)
}
