import { type Row, same } from './words.row.ts'

/** What is a command by where it stands in a text, and what is not. */
export const MARKUP: readonly Row[] = [
  ...same(
    [
      '> @muster approve',
      '> quoted\n@muster approve',
      '```\n@muster approve\n```',
      '    @muster approve',
      '<details>\n\n@muster approve\n\n</details>',
      'folded <details>\n\n@muster approve',
      'as <del>\n@muster approve\n</del>',
      '~~@muster approve~~',
      '~~never\n@muster approve~~',
      '- @muster approve',
      '# @muster approve',
      '<!-- @muster approve -->',
      'Fine.\n\nOn Mon, 1 Jan 2026 at 10:00, Alice <alice@example.com> wrote:\n@muster approve',
      'From: Alice <alice@example.com>\nSent: Monday\nTo: Bob\n\n@muster approve',
      '<!--><details>\n\n@muster approve\n\n</details>',
      '<!-- a --!><details>\n-->\n\n@muster approve',
      '<details>\n\n<a title="</details>">x</a>\n\n@muster approve',
      '<details>\n\n<? </details> ?>\n\n@muster approve',
      '<details><table><tr><td></details></td></tr></table>\n\n@muster approve',
      '<details><s></details>\n\n@muster approve',
      '[^1]: a longer note\n@muster approve',
      '<div hidden>\n\n@muster approve\n\n</div>',
    ],
    'plan',
    'ignored',
  ),
  ...same(
    [
      '<details><summary>The log</summary>\n\n...\n\n</details>\n\n@muster approve',
      '<!-- a note -->\n@muster approve',
      'Bump\nFrom: 1.2\nTo: 1.3\n\n@muster approve',
      'On Tuesday Bob wrote:\n> should we?\n\n@muster approve',
      'Before.\n\n__________\n\n@muster approve',
      '> ```\n> code\n> ```\n\n@muster approve',
      '1. ```\n   x\n@muster approve',
      'Thanks!\n@muster approve',
    ],
    'plan',
    'plan_approved',
  ),
]
