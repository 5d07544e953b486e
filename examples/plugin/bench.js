// @ts-check
import { mkdtempSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NO_RELEASES } from 'muster/plugin/contracts'

/** What the parts of this plug-in are put to the test with: `muster plugins check`. */
const root = mkdtempSync(join(tmpdir(), 'example-folder-'))

/** @type {import('muster/plugin/contracts').Benches} */
export default {
  workflows: {
    'example/tidy': {
      artefact: ({ kind }) =>
        kind === 'example/find'
          ? { sha: 'abc', notes: ['./src/a.js:3:// TODO: round up'] }
          : { first: ['src/a.js:3 round up'], why: 'Money.' },
    },
  },
  targets: {
    'example/folder': {
      settings: { site: 'shop' },
      deps: async () => ({
        env: { EXAMPLE_FOLDER_ROOT: root, EXAMPLE_FOLDER_URL: 'http://shop.test' },
        dir: root,
        store: NO_RELEASES,
        host: '127.0.0.1',
        publicHost: 'localhost',
        now: Date.now,
        redact: (text) => text.replaceAll('hush', '***'),
        log: () => {},
      }),
      releases: {
        one: { 'public/index.html': 'one' },
        two: { 'public/index.html': 'two' },
        broken: { 'README.md': 'hush' },
      },
      seen: (url) => readFile(join(root, new URL(url).pathname, 'index.html'), 'utf8'),
      shows: { one: 'one', two: 'two' },
    },
  },
}
