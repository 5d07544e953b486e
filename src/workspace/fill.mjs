// Runs inside the sandbox, as `node --input-type=module -e <this text>`: puts what is not in the repository's own objects where its commit
// has it. One JSON object on standard input; it says what could not be put.
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const { files, trees } = JSON.parse(readFileSync(0, 'utf8'))
for (const { path, oid } of files) {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  // A pointer is a file: anything else there is not what was meant.
  if (stat?.isFile()) {
    copyFileSync(join(process.env.MUSTER_LFS, oid), path)
    chmodSync(path, stat.mode)
  } else console.log(`${path} is no file here`)
}
for (const { path, git, sha } of trees) {
  // What an earlier commit of it had there is not part of this one.
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true })
  const index = mkdtempSync(join(tmpdir(), 'index-'))
  const env = {
    ...process.env,
    GIT_DIR: process.env[git],
    GIT_WORK_TREE: resolve(path),
    GIT_INDEX_FILE: join(index, 'index'),
  }
  const run = (...args) => execFileSync('git', args, { cwd: path, env, stdio: ['ignore', 'inherit', 'inherit'] })
  run('read-tree', sha)
  run('-c', 'core.hooksPath=/dev/null', 'checkout-index', '--all', '--force')
  rmSync(index, { recursive: true })
}
