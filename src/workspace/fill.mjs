// Runs inside the sandbox, as `node --input-type=module -e <this text>`: puts what is not in the repository's own objects where its commit
// has it. One JSON object on standard input; it says what could not be put.
import { execFileSync } from 'node:child_process'
import { copyFileSync, lstatSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const { files, trees } = JSON.parse(readFileSync(0, 'utf8'))
for (const { path, oid } of files) {
  // A pointer is a file: anything else there is not what was meant.
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile()) copyFileSync(join(process.env.MUSTER_LFS, oid), path)
  else console.log(`${path} is no file here`)
}
const UNPACK = 'git --git-dir="$1" archive --format=tar "$2" | tar -xf - -C "$3" --no-same-owner'
for (const { path, git, sha } of trees) {
  mkdirSync(path, { recursive: true })
  execFileSync('/bin/sh', ['-c', UNPACK, 'sh', process.env[git], sha, path], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
}
