import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graphOf, ranked, type SymbolFile, symbolMap, wordsOf } from '../../src/core/symbols.ts'
import { BareCopies } from '../../src/workspace/copies.ts'
import { SymbolFinder } from '../../src/workspace/symbols/finder.ts'
import { GRAMMARS, languageOf } from '../../src/workspace/symbols/languages.ts'
import { openParser } from '../../src/workspace/symbols/parse.ts'
import { repository } from '../support/clone.ts'

/** A file of each language, with what it defines. */
const SAMPLES: Readonly<Record<string, readonly [text: string, defines: readonly string[]]>> = {
  js: [
    'function total() {}\nclass Cart { add() {} }\nconst round = (x) => x\nexports.find = function () {}\nclass A { [LINK] () {} #own () {} }\n',
    [
      'function total 1-1',
      'class Cart 2-2',
      'method add 2-2',
      'function round 3-3',
      'function find 4-4',
      'class A 5-5',
      'method [LINK] 5-5',
      'method #own 5-5',
    ],
  ],
  ts: [
    'export interface Line {\n  a: number\n}\ntype Sum = number\nenum Kind { A }\nabstract class Base {}\n',
    ['interface Line 1-3', 'type Sum 4-4', 'enum Kind 5-5', 'class Base 6-6'],
  ],
  tsx: ['export const View = () => <p>hello</p>\n', ['function View 1-1']],
  py: [
    'LIMIT = 3\nclass Cart:\n    def add(self):\n        inner = 1\n',
    ['value LIMIT 1-1', 'class Cart 2-4', 'function add 3-4'],
  ],
  go: [
    'package x\nfunc Total() {}\ntype Cart struct{}\nfunc (c Cart) Add() {}\n',
    ['function Total 2-2', 'type Cart 3-3', 'method Add 4-4'],
  ],
  java: [
    'class Cart {\n  Cart() {}\n  int add() { return 1; }\n}\nrecord P(int x) {}\n',
    ['class Cart 1-4', 'method Cart 2-2', 'method add 3-3', 'record P 5-5'],
  ],
  rs: [
    'fn total() {}\nstruct Cart {}\ntrait Sum {}\nmod inner {}\nconst MAX: u8 = 1;\n',
    ['function total 1-1', 'struct Cart 2-2', 'trait Sum 3-3', 'module inner 4-4', 'value MAX 5-5'],
  ],
  rb: [
    'module Shop\n  class Cart\n    def add; end\n    def self.all; end\n  end\nend\n',
    ['module Shop 1-6', 'class Cart 2-5', 'method add 3-3', 'method all 4-4'],
  ],
  php: [
    '<?php\nfunction total() {}\nclass Cart { function add() {} }\ninterface Sum {}\n',
    ['function total 2-2', 'class Cart 3-3', 'method add 3-3', 'interface Sum 4-4'],
  ],
  cs: ['class Cart { int Add() { return 1; } }\nstruct P {}\n', ['class Cart 1-1', 'method Add 1-1', 'struct P 2-2']],
  c: [
    '#define MAX(a) a\nstatic char *name(int x) { return 0; }\nint total(void) { return 1; }\nstruct cart { int n; };\n',
    ['macro MAX 1-2', 'function name 2-2', 'function total 3-3', 'struct cart 4-4'],
  ],
  cpp: [
    'class Cart { public: int add() { return 1; } };\nint Cart::all() { return 2; }\n',
    ['class Cart 1-1', 'method add 1-1', 'method all 2-2'],
  ],
  sh: ['total() {\n  echo 1\n}\n', ['function total 1-3']],
}

describe('what a file defines', () => {
  it.each(Object.entries(SAMPLES))('is read of %s', async (language, [text, defines]) => {
    const read = await openParser()
    const found = (await read(language, text)).defines.map(
      ({ kind, name, from, to }) => `${kind} ${name} ${from}-${to}`,
    )
    expect(found.toSorted()).toEqual([...defines].toSorted())
  })

  it('is known for every grammar that there is', async () => {
    const read = await openParser()
    for (const language of Object.keys(GRAMMARS)) expect(await read(language, 'x')).toBeDefined()
    const kinds = new Set(Object.keys(SAMPLES).map((name) => GRAMMARS[name]?.file))
    expect(new Set(Object.values(GRAMMARS).map(({ file }) => file))).toEqual(kinds)
  })

  it('is nothing where the text is anything', async () => {
    const read = await openParser()
    for (const text of ['', '\0\u{1F600}'.repeat(50), '('.repeat(20_000), '{'.repeat(20_000), 'def '.repeat(5000)])
      for (const language of ['js', 'py', 'cpp', 'rb'])
        expect((await read(language, text)).names.length).toBeLessThan(501)
  })

  it('is not read of what nobody wrote', () => {
    expect(
      ['a/b.ts', 'a.min.js', 'node_modules/x/a.js', 'vendor/a.go', 'a.txt', 'constructor', 'a.toString'].map(
        languageOf,
      ),
    ).toEqual(['ts', ...Array.from({ length: 6 }, () => undefined)])
  })
})

describe('the files that matter', () => {
  const file = (path: string, names: readonly string[], defines: readonly string[] = []): SymbolFile => ({
    path,
    names,
    defines: defines.map((name, nth) => ({ name, kind: 'function', from: nth + 1, to: nth + 1 })),
  })

  it('are those that others use, and those that the request speaks of', () => {
    const files = [
      file('core.ts', [], ['central', 'seldom']),
      ...Array.from({ length: 5 }, (_, nth) => file(`user${nth}.ts`, ['central'], [`own${nth}`])),
      file('price.ts', ['rounded'], ['priceOf']),
      file('round.ts', [], ['rounded']),
    ]
    const graph = graphOf(files)
    expect(ranked(graph, { names: [], words: [] })[0]?.path).toBe('core.ts')
    expect(
      ranked(graph, { names: ['priceOf'], words: [] })
        .slice(0, 2)
        .map(({ path }) => path),
    ).toEqual(['price.ts', 'round.ts'])
    expect(symbolMap(ranked(graph, { names: ['priceOf'], words: [] }), 70)).toBe(
      'price.ts\n  1-1 function priceOf\nround.ts\n  1-1 function rounded',
    )
  })

  it('are found by the words of a request too, of which names are made; the rarer a word, the more it says', () => {
    const files = [
      file('a.ts', [], ['parseNumber', 'LIMIT']),
      ...Array.from({ length: 9 }, (_, nth) => file(`b${nth}.ts`, [], [`parse_item${nth}`])),
    ]
    const found = ranked(graphOf(files), { names: [], words: ['parse', 'number', 'absent'] })
    expect(found[0]).toMatchObject({ path: 'a.ts', defines: [{ name: 'parseNumber' }, { name: 'LIMIT' }] })
    expect(['parseNumber', 'parse_number', 'PARSE_NUMBER', '[LINK]', 'HTTPError'].map(wordsOf)).toEqual([
      ['parse', 'number'],
      ['parse', 'number'],
      ['parse', 'number'],
      ['link'],
      ['httperror'],
    ])
  })

  it('are each once, and what counts of them is a number, whatever the files say', () => {
    const name = fc.constantFrom('a', 'abc', 'toString', '__proto__', 'constructor', 'total', 'sum')
    const any = fc.record({
      path: fc.string({ maxLength: 5 }),
      names: fc.array(name, { maxLength: 6 }),
      defines: fc.array(fc.record({ name, kind: fc.constant('x'), from: fc.nat(), to: fc.nat() }), { maxLength: 6 }),
    })
    fc.assert(
      fc.property(fc.array(any, { maxLength: 20 }), fc.array(name, { maxLength: 3 }), (files, wanted) => {
        const found = ranked(graphOf(files), { names: wanted, words: wanted })
        expect(found).toHaveLength(files.filter(({ defines }) => defines.length > 0).length)
        expect(symbolMap(found, 200).length).toBeLessThanOrEqual(200)
      }),
    )
  })
})

const ANY = { names: [], words: [] }

describe('a map of a repository', () => {
  const dir = mkdtempSync(join(tmpdir(), 'muster-symbols-'))
  const bare = join(dir, 'repos', '1.git')
  let sha = ''
  const commit = (files: Readonly<Record<string, string>>) => {
    const tree = join(dir, 'tree')
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(tree, path)), { recursive: true })
      writeFileSync(join(tree, path), text)
    }
    const run = (...args: string[]) =>
      execFileSync('git', ['-C', tree, '-c', 'user.name=a', '-c', 'user.email=a@a', ...args])
        .toString()
        .trim()
    run('init', '--quiet', '--initial-branch=main')
    run('add', '-A')
    run('commit', '--quiet', '-m', 'x')
    execFileSync('git', ['--git-dir', bare, 'fetch', '--quiet', tree, '+main:main'])
    return run('rev-parse', 'HEAD')
  }
  const finder = () =>
    new SymbolFinder(
      dir,
      new BareCopies(dir, { remote: () => Promise.reject(new Error('no')), askedToWait: async () => undefined }),
    )
  const WAIT = 120_000
  beforeAll(() => {
    execFileSync('git', ['init', '--quiet', '--bare', bare])
    sha = commit({
      'src/price.ts': "import { rounded } from './round.ts'\nexport function priceOf() { return rounded(1) }\n",
      'src/round.ts': 'export function rounded() {}\n',
      'täst/x.py': 'def pré():\n    pass\n',
    })
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  it('is made in a thread beside, kept by the content of files, and read once', async () => {
    const found = await finder().of(repository, sha, { names: ['priceOf'], words: [] }, WAIT)
    expect(found?.map(({ path }) => path)).toEqual(['src/price.ts', 'src/round.ts', 'täst/x.py'])
    const kept = () =>
      readFileSync(join(dir, 'symbols', '1.ndjson'), 'utf8')
        .trim()
        .split('\n')
    expect(kept()).toHaveLength(3)
    const later = commit({ 'src/round.ts': 'export function rounded2() {}\n' })
    // A line that was cut off says nothing.
    appendFileSync(join(dir, 'symbols', '1.ndjson'), '["abc",[')
    expect(
      (await finder().of(repository, later, ANY, WAIT))?.flatMap(({ defines }) => defines.map(({ name }) => name)),
    ).toContain('rounded2')
    expect(kept()).toHaveLength(4)
  })

  it('fails nobody where it cannot be had', async () => {
    const broken = new BareCopies(join(dir, 'nowhere'), {
      remote: () => Promise.reject(new Error('no')),
      askedToWait: async () => undefined,
    })
    expect(await new SymbolFinder(dir, broken).of(repository, sha, ANY, WAIT)).toBe(undefined)
  })

  it('is not waited for where it takes long, and is there the next time', async () => {
    const later = commit({ 'src/more.ts': 'export function more() {}\n'.repeat(2000) })
    const slow = finder()
    expect(await slow.of(repository, later, ANY, 0)).toBe(undefined)
    await expect
      .poll(async () => (await slow.of(repository, later, { names: ['more'], words: [] }, 0))?.[0]?.path, {
        timeout: WAIT,
      })
      .toBe('src/more.ts')
  })
})
