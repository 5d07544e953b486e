import { type Surface, surfaceName } from '../said.ts'
import { link, type Words } from './document.ts'

/** A surface with its address, where that is known. */
export function surfaceLink(surface: Surface): Words {
  const name = surfaceName(surface)
  return surface.url ? link(surface.url, name) : name
}
