/** The words of blocks, a line each, as far as a terminal can show them. */
export function wordsIn(blocks: readonly unknown[]): string {
  return blocks
    .map(wordsOf)
    .filter(Boolean)
    .join('\n')
    .replace(/\n{2,}/g, '\n')
}

function wordsOf(node: unknown): string {
  if (typeof node !== 'object' || node === null) return ''
  const type: unknown = Reflect.get(node, 'type')
  const text: unknown = Reflect.get(node, 'text')
  if (type === 'button') return `[${wordsOf(text)}]`
  if (typeof text === 'string') return text
  if (typeof text === 'object') return wordsOf(text)
  if (type === 'link') return String(Reflect.get(node, 'url'))
  if (type === 'user') return `<@${String(Reflect.get(node, 'user_id'))}>`
  const inner: unknown = Reflect.get(node, 'elements') ?? Reflect.get(node, 'rows')
  if (Array.isArray(node)) return node.map(wordsOf).join('  ')
  if (!Array.isArray(inner)) return ''
  const isLine = type === 'rich_text_section' || type === 'rich_text_quote' || type === 'actions'
  return inner.map(wordsOf).join(isLine ? (type === 'actions' ? ' ' : '') : '\n')
}
