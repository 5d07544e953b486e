// @ts-check
import { artefactOf, z } from 'muster/plugin'

/** What a step has made comes back as it was stored: it is read before it is used. */
const Notes = z.object({ sha: z.string(), notes: z.array(z.string()) })

/** The notes that the first step has found. */
export function notesOf(/** @type {import('muster/plugin').Task} */ task) {
  return Notes.parse(artefactOf(task, 'example/find'))
}
