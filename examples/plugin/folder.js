// @ts-check
import { existsSync } from 'node:fs'
import { mkdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { defineTarget, UserError, z } from 'muster/plugin'

/**
 * Publishes a folder of the repository, for a web server that serves `<root>/<site>/current/`. Each release has a folder of its own,
 * and `current` points to the one that is live: whoever reads it meanwhile sees the old one or the new one, whole.
 */

const Site = z.object({ site: z.string(), folder: z.string() })

class FolderTarget {
  /** @param {string} root @param {string} address */
  constructor(root, address) {
    this.root = root
    this.address = address
  }

  /** @param {import('muster/plugin').Environment} environment */
  url({ settings }) {
    return `${this.address}/${Site.parse(settings).site}/current/`
  }

  /** @param {import('muster/plugin').Environment} environment */
  async current({ settings }) {
    const id = await readlink(join(this.root, Site.parse(settings).site, 'current')).catch(() => undefined)
    return id === undefined ? undefined : (await this.#read(id))?.sha
  }

  /** @param {string} id @returns {Promise<import('muster/plugin').Observed>} */
  async observe(id) {
    const note = await this.#read(id)
    if (!note) return { state: 'absent' }
    if (note.error) return { state: 'failed', error: note.error }
    return note.liveAt ? { state: 'live', since: note.liveAt } : { state: 'unfinished' }
  }

  /** @param {import('muster/plugin').ApplyInput} input */
  async apply({ environment, releaseId: id, sha, unpack, mayAct, signal }) {
    const { site, folder } = Site.parse(environment.settings)
    const dir = join(this.root, site)
    const files = join(dir, `${id}.files`)
    await this.#write(id, { sha })
    await rm(files, { recursive: true, force: true })
    await mkdir(files, { recursive: true })
    await unpack(files)
    if (!existsSync(join(files, folder, 'index.html'))) {
      const error = `There is no \`${folder}/index.html\` to publish.`
      await this.#write(id, { sha, error })
      throw new UserError('no_index', error)
    }
    await rm(join(dir, id), { recursive: true, force: true })
    await rename(join(files, folder), join(dir, id))
    await rm(files, { recursive: true, force: true })
    // From here on people see it: not if somebody else has the work by now.
    signal.throwIfAborted()
    mayAct()
    await symlink(id, join(dir, 'next'))
    await rename(join(dir, 'next'), join(dir, 'current'))
    await this.#write(id, { sha, liveAt: Date.now() })
  }

  /** @param {string} id */
  async log(id) {
    return (await this.#read(id))?.error ?? ''
  }

  /** @param {import('muster/plugin').Environment} environment */
  async probe({ settings }) {
    return existsSync(join(this.root, Site.parse(settings).site, 'current', 'index.html'))
  }

  /** The web server counts, not this. */
  async samples() {
    return []
  }

  async measuredSince() {
    return undefined
  }

  /** What is known of a release, wherever it was deployed to. @param {string} id */
  async #read(id) {
    const text = await readFile(join(this.root, `${id}.json`), 'utf8').catch(() => undefined)
    return text === undefined ? undefined : Note.parse(JSON.parse(text))
  }

  /** @param {string} id @param {import('muster/plugin').z.infer<typeof Note>} note */
  async #write(id, note) {
    await mkdir(this.root, { recursive: true })
    await writeFile(join(this.root, `${id}.json`), JSON.stringify(note))
  }
}

const Note = z.object({ sha: z.string(), liveAt: z.number().optional(), error: z.string().optional() })

export const folder = defineTarget({
  name: 'example/folder',
  title: 'folder',
  describe: '`example/folder`: a folder that a web server serves.',
  // What a repository may decide: a name, never a path on the server.
  keys: {
    site: z
      .string()
      .regex(/^[a-z\d-]{1,60}$/)
      .describe('The name of the site.'),
    folder: z
      .string()
      .regex(/^(?!\/)(?!.*\.\.)[\w./-]{1,200}$/)
      .default('public')
      .describe('Which folder of the repository is published.'),
  },
  // What the operator decides: where it is, and what people call it.
  open: async ({ env, dir }) =>
    new FolderTarget(
      env['EXAMPLE_FOLDER_ROOT'] ?? join(dir, 'example-folder'),
      env['EXAMPLE_FOLDER_URL'] ?? 'http://localhost',
    ),
})
