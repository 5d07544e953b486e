import { createRequire } from 'node:module'
import { revisionOf } from '../beside/revision.ts'

/** Which program this is: where it is another than that of the running one, the ports are handed over. */
export function revision(): string {
  const program = new URL('main.ts', import.meta.url).href
  return revisionOf(program, [createRequire(import.meta.url).resolve('httpxy')])
}

// As it was when this process began: the files may be those of the next version later.
revision()
