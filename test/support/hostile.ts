import fc from 'fast-check'

/** What must never come alive (security.md 39, 42 and issue texts that were tried), each with how it may be written and where it may stand. */
export const PAYLOADS = [
  '@acme/everyone',
  '@bob',
  '@dependabot merge',
  'fixes #7',
  'Closes: #7',
  'resolves GH-7',
  'closeGH-7',
  'FIXED acme/other#7',
  'fix https://github.com/acme/web/issues/7',
  '/deploy production',
  '@muster approve',
  'https://evil.example/?d=1',
  'www.evil.example/x',
  'mallory@evil.example',
  '![x](https://evil.example/?d=1)',
  '[x](https://evil.example/?d=1)',
  '<img src="https://evil.example/?d=1">',
  '[x][r]\n\n[r]: https://evil.example/?d=1',
  '![x][r]\n\n[r]: https://evil.example/?d=1',
  '[skip ci]',
  'skip-checks: true',
] as const

const each = (text: string, change: (character: string) => string) => Array.from(text, change).join('')
const special = (text: string, change: (character: string) => string) => text.replace(/[^A-Za-z0-9\s]/g, change)
const hex = (character: string) => `&#x${character.codePointAt(0)?.toString(16) ?? ''};`
const NAMED: Readonly<Record<string, string>> = {
  '@': '&commat;',
  '#': '&num;',
  '/': '&sol;',
  ':': '&colon;',
  '.': '&period;',
  '!': '&excl;',
  '[': '&lsqb;',
  ']': '&rsqb;',
  '(': '&lpar;',
  ')': '&rpar;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '-': '&hyphen;',
  '?': '&quest;',
  '=': '&equals;',
}

/** Ways of writing the same characters: Markdown, HTML and Unicode know many. */
export const ENCODINGS: readonly (readonly [name: string, write: (text: string) => string])[] = [
  ['plain', (text) => text],
  ['backslashes', (text) => special(text, (one) => `\\${one}`)],
  ['decimal entities', (text) => special(text, (one) => `&#${one.codePointAt(0)};`)],
  ['decimal entities with zeros', (text) => special(text, (one) => `&#0000${one.codePointAt(0)};`)],
  ['hexadecimal entities', (text) => special(text, hex)],
  ['upper-case hexadecimal entities', (text) => special(text, (one) => hex(one).toUpperCase())],
  ['every character an entity', (text) => each(text, hex)],
  ['letters as entities', (text) => text.replace(/[a-z]/g, hex)],
  ['named entities', (text) => special(text, (one) => NAMED[one] ?? one)],
  ['entities of entities', (text) => special(text, (one) => `&amp;#${one.codePointAt(0)};`)],
  ['zero-width marks', (text) => special(text, (one) => `\u200d${one}\u200b`)],
  ['zero-width marks in words', (text) => text.replace(/[a-z](?=[a-z])/gi, '$&\u2060')],
  ['bidi overrides', (text) => special(text, (one) => `\u202e\u202c${one}`)],
  ['soft hyphens', (text) => text.replace(/[a-z](?=[a-z])/gi, '$&\u00ad')],
  ['tags', (text) => special(text, (one) => `${String.fromCodePoint(0xe0041)}${one}`)],
  ['upper case', (text) => text.toUpperCase()],
  ['odd spaces', (text) => text.replaceAll(' ', '\u00a0\u2003\t')],
  ['line breaks', (text) => text.replaceAll(' ', '\n')],
  ['carriage returns', (text) => text.replaceAll(' ', '\r')],
  ['line separators', (text) => text.replaceAll(' ', '\u2028')],
  ['emphasis between', (text) => text.replaceAll(' ', '** **')],
  ['HTML between', (text) => text.replaceAll(' ', '<b> </b>')],
  ['comments between', (text) => text.replaceAll(' ', ' <!-- --> ')],
  ['an empty comment within', (text) => special(text, (one) => `${one}<!---->`)],
]

/** Where it may stand. */
export const CONTAINERS: readonly (readonly [name: string, write: (text: string) => string])[] = [
  ['alone', (text) => text],
  ['after words', (text) => `See this: ${text} and more`],
  ['a line of its own', (text) => `Words.\n${text}\nWords.`],
  ['emphasis', (text) => `*a* **${text}**`],
  ['strike', (text) => `~~${text}~~`],
  ['inline code', (text) => `\`${text}\``],
  ['unclosed inline code', (text) => `\`\`${text}\``],
  ['escaped backticks', (text) => `\\\`${text}\\\``],
  ['a fence', (text) => `\`\`\`\n${text}\n\`\`\``],
  ['an unclosed fence', (text) => `~~~ts\n${text}`],
  ['a fence that is drawn', (text) => `\`\`\`mermaid\n${text}\n\`\`\``],
  ['a fence in the middle of a line', (text) => `x \`\`\` ${text}`],
  ['indented', (text) => `Words.\n\n    ${text}`],
  ['a list', (text) => `- a\n  - ${text}\n1. ${text}`],
  ['a task', (text) => `- [x] ${text}`],
  ['a quote', (text) => `> ${text}\n>> ${text}`],
  ['a heading', (text) => `# ${text}\n\n${text}\n===`],
  ['a table', (text) => `| a | ${text.replaceAll('\n', ' ')} |\n|--|--|\n| ${text.replaceAll('\n', ' ')} | b |`],
  ['a table with code', (text) => `| a |\n|--|\n| \`\\| ${text.replaceAll('\n', ' ')}\` |`],
  ['a link', (text) => `[${text}](https://evil.example/x)`],
  ['an address', (text) => `<https://evil.example/${text}>`],
  ['a title', (text) => `[a](https://evil.example "${text}")`],
  ['HTML', (text) => `<div>\n${text}\n</div>`],
  ['inline HTML', (text) => `a <a href="https://evil.example">${text}</a>`],
  ['folded', (text) => `<details><summary>${text}</summary>\n\n${text}\n\n</details>`],
  ['a comment', (text) => `a <!-- ${text} --> b`],
  ['a footnote', (text) => `a[^1]\n\n[^1]: ${text}`],
  ['a definition', (text) => `[a]\n\n[a]: <https://evil.example/> "${text}"`],
  ['CDATA', (text) => `<![CDATA[${text}]]>`],
  ['a forged end', (text) => `</details>\n\n<!-- muster:x:0123456789abcdef0123456789abcdef -->\n${text}`],
  ['after a keyword', (text) => `This closes\n\n${text}\n\n#7`],
]

/** Every payload in every writing in every place: some fifteen thousand. */
export function* variants(): Generator<string> {
  for (const payload of PAYLOADS)
    for (const [, encode] of ENCODINGS) for (const [, contain] of CONTAINERS) yield contain(encode(payload))
}

const part = fc.oneof(
  fc.constantFrom(...PAYLOADS),
  fc.constantFrom(
    '@',
    '#',
    '/',
    ':',
    '`',
    '``',
    '```\n',
    '*',
    '_',
    '~~',
    '[',
    ']',
    '(',
    ')',
    '<',
    '>',
    '!',
    '\\',
    '|',
    '\n',
    '\n\n',
    ' ',
    '    ',
    '&',
    ';',
  ),
  fc.constantFrom(
    'a',
    'bob',
    'fixes',
    'close',
    '7',
    '#7',
    'GH-7',
    'acme/web',
    'https:',
    '//',
    'www',
    '.',
    'evil.example',
    '&#64;',
    '&commat;',
    '- ',
    '> ',
    '1. ',
    '\u200b',
    '\ufeff',
    '|--|',
  ),
)
/** Texts of all that, in any order. */
export const mess: fc.Arbitrary<string> = fc.oneof(
  fc.array(part, { maxLength: 25 }).map((parts) => parts.join('')),
  fc
    .tuple(
      fc.constantFrom(...PAYLOADS),
      fc.constantFrom(...ENCODINGS),
      fc.constantFrom(...ENCODINGS),
      fc.constantFrom(...CONTAINERS),
      fc.constantFrom(...CONTAINERS),
    )
    .map(([payload, [, one], [, two], [, inner], [, outer]]) => outer(inner(two(one(payload))))),
)
