import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const PROGRAMS = ['/bin/sh', '/bin/cat', '/bin/ls', '/bin/mkdir', '/bin/sleep', '/usr/bin/id', '/usr/bin/env']

/** Makes an image of a few of this machine's programs, and one of its own that says so. @param more programs, by where they are in it */
export function makeImage(engine: string, name: string, more: Readonly<Record<string, string>> = {}): void {
  const programs = { ...Object.fromEntries(PROGRAMS.map((one) => [one, one])), ...more }
  const root = mkdtempSync(join(tmpdir(), 'muster-image-'))
  const add = (file: string, from = file) => {
    mkdirSync(join(root, dirname(file)), { recursive: true })
    copyFileSync(from, join(root, file))
  }
  const listed = Object.values(programs)
    .map((program) => execFileSync('ldd', [program]).toString())
    .join('')
  const libraries = [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, file = '']) => file)
  for (const [file, from] of Object.entries(programs)) add(file, from)
  for (const file of new Set(libraries)) add(file)
  const own = join(root, 'usr/local/bin/only-here')
  mkdirSync(dirname(own), { recursive: true })
  writeFileSync(own, '#!/bin/sh\necho "of the image"\n')
  chmodSync(own, 0o755)
  const tar = `${root}.tar`
  execFileSync('tar', ['-cf', tar, '-C', root, '.'])
  const [program = '', ...args] = engine.split(' ')
  const path = 'ENV PATH=/usr/local/bin:/usr/bin:/bin'
  execFileSync(program, [...args, 'import', '--change', path, tar, name], { stdio: 'pipe' })
  for (const one of [root, tar]) rmSync(one, { recursive: true })
}
