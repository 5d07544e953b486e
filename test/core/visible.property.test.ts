import fc from 'fast-check'
import type { Nodes, Paragraph, Root } from 'mdast'
import { fromMarkdown } from 'mdast-util-from-markdown'
import { gfmFromMarkdown } from 'mdast-util-gfm'
import { gfm } from 'micromark-extension-gfm'
import { expect, it } from 'vitest'
import { findCommands } from '../../src/core/calls.ts'
import { runs } from '../support/amount.ts'

/** Another parser than ours, with GitHub's extensions, says what is code, a quote, struck … */
const read = (text: string): Root => fromMarkdown(text, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] })

/** Commands that stand in a place where a reader sees them as said; `plainly` where nothing at all is around them. */
function seen(text: string): { visible: number; plainly: number } {
  const root = read(text)
  const count = { visible: 0, plainly: 0 }
  const walk = (node: Nodes): void => {
    if (['code', 'inlineCode', 'blockquote', 'delete', 'html'].includes(node.type)) return
    if (node.type === 'text') count.visible += node.value.match(/\/muster status/g)?.length ?? 0
    if ('children' in node) for (const child of node.children) walk(child)
  }
  walk(root)
  for (const block of root.children) if (block.type === 'paragraph') count.plainly += plainLines(block)
  return count
}

function plainLines({ children }: Paragraph): number {
  let [found, starts] = [0, true]
  for (const child of children) {
    if (child.type === 'text') {
      const lines = child.value.split('\n')
      found += lines.filter((line, index) => (index > 0 || starts) && line === '/muster status').length
      starts = child.value.endsWith('\n')
    } else starts = child.type === 'break'
  }
  return found
}

const piece = fc.constantFrom(
  '/muster status\n',
  '/muster status\n',
  '\n',
  'words\n',
  '> ',
  '> \n',
  '```\n',
  '~~~\n',
  '    ',
  '`',
  '``',
  '~~',
  '* ',
  '- ',
  '1. ',

  '<!-- ',
  ' -->\n',
  '<pre>\n',
  '</pre>\n',
  '<del>',
  '</del>',
  '<details>\n',
  '</details>\n',
  '<blockquote>',
  '# ',
  '---\n',
  '| a | b |\n',
  '|---|---|\n',
  '[x](',
  ')',
  '**',
  '_',
  '\\',
  '<b>',
  '&#64;',
  '\t',
  '  \n',
)
const documents = fc.array(piece, { maxLength: 14 }).map((parts) => parts.join(''))

it('hears no command from code, a quote, a comment, or struck text, and overlooks none that stands plainly', () => {
  fc.assert(
    fc.property(documents, (text) => {
      const heard = findCommands(text, ['muster']).length
      const { visible, plainly } = seen(text)
      expect(heard).toBeLessThanOrEqual(visible)
      // What HTML hides to the end (an open <details>) the other parser does not know of; escaped, it was not meant.
      if (!/[<>\\]/.test(text)) expect(heard).toBeGreaterThanOrEqual(plainly)
    }),
    { numRuns: runs(60_000, 4000) },
  )
})

it('reads a lone tag below a table as HTML, with the lines below it', () => {
  expect(findCommands('| a | b |\n|---|---|\n</pre>\n# words\n/muster status\n', ['muster'])).toEqual([])
  expect(findCommands('| a | b |\n|---|---|\n</pre>\n\n/muster status\n', ['muster'])).toHaveLength(1)
})
