import { v7 } from 'uuid'

/**
 * A new id for a row (UUID version 7, RFC 9562): what is made together stands together in every index, so that writing costs
 * the same however much is stored. Random ids touch another page of every index with each row.
 */
export function newId(): string {
  return v7()
}
