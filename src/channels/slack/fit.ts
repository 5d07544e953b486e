import type { RichTextBlockElement, RichTextElement, RichTextSection } from '@slack/types'

/** What is too long for one block of rich text as several, in order, nothing left out. @param most characters of one */
export function fitting(element: RichTextBlockElement, most: number): RichTextBlockElement[] {
  switch (element.type) {
    case 'rich_text_preformatted':
      return cutText(element.elements.map(textOf).join(''), most).map((text) => ({
        ...element,
        elements: [{ type: 'text', text }],
      }))
    case 'rich_text_section':
    case 'rich_text_quote':
      return groups(element.elements, most).map((elements) => ({ ...element, elements }))
    case 'rich_text_list':
      return element.elements
        .flatMap((item): RichTextSection[] => groups(item.elements, most).map((elements) => ({ ...item, elements })))
        .map((item) => ({ ...element, elements: [item] }))
  }
}

function textOf(element: RichTextElement): string {
  if (element.type === 'text') return element.text
  return element.type === 'link' ? (element.text ?? element.url) : ''
}

/** Words of one line after the other, as many as fit. */
function groups(elements: readonly RichTextElement[], most: number): RichTextElement[][] {
  const found: RichTextElement[][] = [[]]
  let size = 0
  for (const one of elements.flatMap((element) => pieces(element, most))) {
    const length = one.type === 'link' ? one.url.length + (one.text?.length ?? 0) : textOf(one).length
    if (size + length > most && size > 0) {
      found.push([])
      size = 0
    }
    found.at(-1)?.push(one)
    size += length
  }
  return found
}

function pieces(element: RichTextElement, most: number): RichTextElement[] {
  if (element.type !== 'text' || element.text.length <= most) return [element]
  return cutText(element.text, most).map((text) => ({ ...element, text }))
}

/** At line breaks where there are any, else between words, else where it must be; never within a character. */
function cutText(text: string, most: number): string[] {
  const found: string[] = []
  let rest = text
  while (rest.length > most) {
    const head = rest.slice(0, most)
    const line = head.lastIndexOf('\n')
    const space = head.lastIndexOf(' ')
    const hard = /[\uD800-\uDBFF]$/.test(head) ? most - 1 : most
    const at = line > most / 2 ? line + 1 : space > most / 2 ? space + 1 : hard
    found.push(rest.slice(0, at).replace(/\n$/, ''))
    rest = rest.slice(at)
  }
  return [...found, rest]
}
