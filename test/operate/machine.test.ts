import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { machineOf } from '../../src/operate/machine.ts'
import { openSandbox } from '../../src/workspace/sandbox.ts'
import { equipped } from '../../src/workspace/outfit.ts'
import type { Asking } from '../../src/workspace/types.ts'
import { SANDBOX } from '../support/isolation.ts'

describe.each([...new Set([SANDBOX, 'none' as const])])('what repositories are run with, in %s', (kind) => {
  let dir = ''
  const own = () => join(dir, 'own')
  const machine = () =>
    machineOf(
      {
        setupNetwork: false,
        setupHosts: [],
        dataDir: join(dir, 'data'),
        toolchainsDir: own(),
        mise: undefined,
        containers: undefined,
      },
      {},
    )
  const asking = (files: Readonly<Record<string, string>>, programs: string[], runtimes = {}): Asking => ({
    files: new Set(Object.keys(files)),
    read: async (path) => files[path],
    runtimes,
    services: [],
    image: undefined,
    programs,
  })
  /** A program that says which version it is, and what it was called with. */
  const install = (path: string, version: string) => {
    const file = join(own(), path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `#!/bin/sh\n[ "$1" = --version ] && echo "it is ${version}" || echo "${version} runs $*"\n`)
    chmodSync(file, 0o755)
  }

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'muster-machine-'))
    install('ruby/one/bin/ruby', '71.1.4')
    install('ruby/two/bin/ruby', '71.2.2')
    install('php/8/bin/php', '78.3.1')
    writeFileSync(join(own(), 'ruby/two/share'), 'its own file')
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  it('is the version that is asked for, with all that belongs to it, before any other of the name', async () => {
    const outfit = await machine().outfit(asking({ '.ruby-version': '71.2.2' }, ['ruby']))
    expect(outfit.notes).toEqual([])
    const work = mkdtempSync(join(dir, 'work-'))
    const { output } = await openSandbox(kind).run({
      dir: work,
      timeoutMs: 60_000,
      ...equipped(outfit, 'ruby a b; cat "$(dirname "$(command -v ruby)")/../share"; touch "$(command -v ruby)x" 2>&1'),
    })
    expect(output).toContain('71.2.2 runs a b\nits own file')
    // What is the machine's stays as it is.
    if (kind !== 'none') expect(output).toContain('Read-only file system')
  })

  it('says what is not there, or not quite', async () => {
    const { notes, toolchains } = await machine().outfit(
      asking({ '.ruby-version': '71.2.9' }, ['ruby', 'php'], { php: '77.4' }),
    )
    expect(toolchains.map(({ tool, version }) => `${tool} ${version}`)).toEqual(['ruby 71.2.2'])
    expect(notes.toSorted()).toEqual([
      expect.stringMatching(/^PHP 77\.4 is asked for \(\.github\/muster\.yml\); this machine has (?:.*, )?78\.3\.1\.$/),
      'Ruby 71.2.9 is asked for (.ruby-version); 71.2.2 is taken.',
    ])
  })

  it('brings what is called and is not among what every command finds; what nobody calls does not matter', async () => {
    const { toolchains, notes } = await machine().outfit(asking({ '.python-version': '1.0' }, ['php', 'sh', 'make']))
    expect(toolchains.map(({ tool }) => tool)).toEqual(existsSync('/usr/bin/php') ? [] : ['php'])
    expect(notes).toEqual([])
  })

  it('has mise bring what is missing, where the operator names it, by no configuration but its own', async () => {
    const mise = join(dir, 'bin', 'mise')
    const told = join(dir, 'told')
    mkdirSync(dirname(mise), { recursive: true })
    // As mise does: into its folder, under the version that it found.
    const script = `#!/bin/sh
echo "$* in $(pwd) with $(env | sort | tr '\\n' ' ')" >> '${told}'
case "$2" in ruby@73.2) v=73.2.1;; *) exit 1;; esac
mkdir -p "$MISE_DATA_DIR/installs/ruby/$v/bin" && printf '#!/bin/sh\\necho %s' "$v" > "$MISE_DATA_DIR/installs/ruby/$v/bin/ruby" && chmod +x "$MISE_DATA_DIR/installs/ruby/$v/bin/ruby"
`
    writeFileSync(mise, script, { mode: 0o755 })
    const settings = { setupHosts: [], dataDir: join(dir, 'data'), toolchainsDir: own(), containers: undefined }
    const wanting = asking({ '.ruby-version': '73.2', 'mise.toml': '[hooks]\nenter = "touch /tmp/evil"\n' }, ['ruby'])
    const env = { PATH: process.env['PATH'], OWN_SECRET: 'x' }
    const closed = machineOf({ ...settings, setupNetwork: false, mise }, env)
    expect((await closed.outfit(wanting)).toolchains).toEqual([])
    expect(existsSync(told)).toBe(false)
    const open = machineOf({ ...settings, setupNetwork: true, mise }, env)
    const { toolchains, notes } = await open.outfit(wanting)
    expect(toolchains.map(({ version }) => version)).toEqual(['73.2.1'])
    expect(notes).toEqual([])
    await open.outfit(wanting)
    const [asked = '', again] = readFileSync(told, 'utf8').trim().split('\n')
    expect(asked).toMatch(/^install ruby@73\.2 in .*\/data\/mise\/home with /)
    expect(asked).not.toContain('OWN_SECRET')
    expect(again).toBe(undefined)
    expect((await open.outfit(asking({ '.ruby-version': '79' }, ['ruby']))).notes.join()).toContain(
      'Ruby 79 is asked for',
    )
    rmSync(join(dir, 'data', 'mise'), { recursive: true })
    rmSync(told)
  })

  it('fetches nothing that the operator does not allow, and says how to', async () => {
    const { toolchains, notes } = await machine().outfit(asking({ '.nvmrc': '10.0.0' }, ['node']))
    expect(toolchains).toEqual([])
    expect(notes.join()).toContain('Node.js 10.0.0 is asked for (.nvmrc)')
    expect(notes.join()).toContain('MUSTER_SETUP_NETWORK=1')
  })
})
