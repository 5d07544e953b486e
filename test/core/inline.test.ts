import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withInlineTests } from '../../src/core/inline.ts'

const CODE = `//! Spans. #[cfg(test)] in a comment is none.
use std::fmt;

/* nested /* #[test] */ still one */
pub fn half<'a>(n: u32, of: &'a str) -> u32 {
    let quote = '"'; let brace = "}\\" {"; let raw = r#"#[test] fn no() { "#;
    n / 2
}
`
const FIXED = CODE.replace('n / 2', 'n.div_ceil(2)')
const tests = (body: string) => `
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        assert_eq!(half(${body}), "}".len() as u32);
    }
}
`
const one = (base: string | undefined, head: string | undefined, path = 'src/lib.rs') =>
  withInlineTests([{ path, base, head }])

describe('tests inside a source file', () => {
  it('stand on the code as it was: new ones, and changed ones in their place', () => {
    expect(one(CODE, FIXED + tests('1, ""'))).toEqual([
      { path: 'src/lib.rs', text: `${CODE}\n${tests('1, ""').trim()}` },
    ])
    const tail = 'pub const LAST: &str = "x";\n'
    expect(one(CODE + tests('2, ""') + tail, FIXED + tests('1, ""') + tail)).toEqual([
      { path: 'src/lib.rs', text: CODE + tests('1, ""') + tail },
    ])
  })

  it('are none where only code, comments or strings change, where the file goes, or where tests only go', () => {
    expect(one(CODE + tests('1, ""'), FIXED + tests('1, ""'))).toEqual([])
    expect(one(CODE, FIXED)).toEqual([])
    expect(one(CODE, `${CODE}// #[test] fn x() {}\nconst S: &str = "#[test] fn y() {}";\n`)).toEqual([])
    expect(one(CODE + tests('1, ""'), undefined)).toEqual([])
    expect(one(CODE + tests('1, ""'), CODE)).toEqual([])
    expect(one(CODE, CODE + tests('1, ""'), 'src/lib.txt')).toEqual([])
    // A whole file of tests is taken as one.
    expect(one('', tests('1, ""'), 'tests/all.rs')).toEqual([])
    expect(one('', tests('1, ""'), 'src/tests.rs')).toEqual([])
  })

  it.each([
    ['a function', '#[test]\nfn a() {}'],
    [
      'with more attributes',
      '#[tokio::test(flavor = "current_thread")]\n#[should_panic(expected = "]")]\nasync fn a() {}',
    ],
    ['an import', '#[cfg(test)] use std::collections::{BTreeMap, HashMap};'],
    ['a constant', '#[cfg(all(test, not(miri)))]\nconst A: [u8; 3] = [1, 2, 3];'],
    ['a macro', '#[cfg(test)]\nproptest! { fn a(x in 0..1) {} }'],
  ])('may be %s', (_what, item) => {
    expect(one(CODE, `${FIXED}${item}\n`)).toEqual([{ path: 'src/lib.rs', text: `${CODE}\n${item}` }])
  })

  it.each(['#[cfg(not(test))]\nfn a() {}', '#[cfg(any(test, feature = "x"))]\nfn a() {}', '#[testing]\nfn a() {}'])(
    'are not code that is there without tests: %s',
    (item) => expect(one(CODE, `${CODE}${item}\n`)).toEqual([]),
  )

  it('of a new module come with its declaration, without its code; a program of its own is no module', () => {
    const lib = 'pub mod half;\nmod plain;\npub use half::half;\n'
    const files = [
      { path: 'src/lib.rs', base: 'mod old;\n', head: `mod old;\n${lib}` },
      { path: 'src/half.rs', base: undefined, head: FIXED + tests('1, ""') },
      { path: 'src/plain.rs', base: undefined, head: CODE },
      { path: 'src/bin/run.rs', base: undefined, head: `fn main() {}\n${tests('1, ""')}` },
    ]
    expect(withInlineTests(files)).toEqual([
      { path: 'src/lib.rs', text: 'mod old;\n\npub mod half;\nmod plain;' },
      { path: 'src/half.rs', text: tests('1, ""').trim() },
      { path: 'src/plain.rs', text: '' },
    ])
  })

  it('may stand in a file that is declared for tests alone: it is taken as a whole', () => {
    const files = [
      { path: 'src/a.rs', base: 'fn a() {}\n', head: 'fn a() { 1; }\n#[cfg(test)] mod cases;\n' },
      { path: 'src/a/cases.rs', base: undefined, head: 'use super::*;\n#[test] fn b() { a() }\n' },
      { path: 'src/cases.rs', base: undefined, head: 'fn other() {}\n' },
    ]
    expect(withInlineTests(files)).toEqual([
      { path: 'src/a.rs', text: 'fn a() {}\n\n#[cfg(test)] mod cases;' },
      { path: 'src/a/cases.rs', text: files[1]?.head },
    ])
  })
})

const PIECES = [
  '#[test]',
  'fn a() {}',
  '{',
  '}',
  '"',
  "'",
  'r#"',
  '"#',
  '/*',
  '*/',
  '//',
  '\n',
  '#[cfg(test)]',
  'mod a;',
  '😀',
  '#',
  '\\',
]

describe('whatever stands in the files', () => {
  const text = fc
    .array(fc.oneof(fc.constantFrom(...PIECES), fc.string()), { maxLength: 60 })
    .map((all) => all.join(' '))

  it('same files have no new tests, and code without a test attribute never comes over', () => {
    fc.assert(
      fc.property(text, (same) => {
        expect(one(same, same)).toEqual([])
      }),
    )
    const code = text.map((one_) => one_.replaceAll('test', 'tost'))
    fc.assert(
      fc.property(code, code, (base, head) => {
        expect(one(base, head)).toEqual([])
      }),
    )
  })

  it('the largest file made of beginnings is gone through once', () => {
    for (const piece of ['r#"', '/*', '"', "'\\", '#[test]', '#[cfg(test)] fn a(', '#[test]fn a(){}', '{', '#['])
      expect(one('', piece.repeat(Math.floor(199_000 / piece.length))).length).toBeLessThanOrEqual(1)
  })
})
