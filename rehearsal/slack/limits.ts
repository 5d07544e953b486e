/** Slack's sizes (limits.md), refused as Slack refuses them. @returns the error, if there is one */
export function refusalOf(blocks: readonly unknown[], text: string): string | undefined {
  if (text.length > 40_000) return 'msg_too_long'
  if (blocks.length > 50) return 'invalid_blocks'
  for (const block of blocks) {
    const wrong = wrongIn(block)
    if (wrong) return wrong
  }
  if (blocks.filter((block) => typeOf(block) === 'table').length > 1) return 'invalid_blocks'
  return lengthOf(blocks) > 13_200 ? 'msg_blocks_too_long' : undefined
}

function typeOf(block: unknown): unknown {
  return typeof block === 'object' && block !== null && 'type' in block ? block.type : undefined
}

const KNOWN = new Set(['rich_text', 'header', 'divider', 'table', 'actions', 'section', 'context', 'image'])

function wrongIn(block: unknown): string | undefined {
  if (typeof block !== 'object' || block === null || !KNOWN.has(String(typeOf(block)))) return 'invalid_blocks'
  if (typeOf(block) === 'header')
    return textOf(block).length === 0 || textOf(block).length > 150 ? 'invalid_blocks' : undefined
  if (typeOf(block) === 'rich_text' && lengthOf([block]) > 3000) return 'invalid_blocks'
  if (typeOf(block) !== 'actions') return undefined
  const elements: unknown = Reflect.get(block, 'elements')
  if (!Array.isArray(elements) || elements.length === 0 || elements.length > 25) return 'invalid_blocks'
  const bad = elements.some(
    (one: object) => textOf(one).length > 75 || String(Reflect.get(one, 'value') ?? '').length > 2000,
  )
  const ids = elements.map((one: object) => String(Reflect.get(one, 'action_id')))
  return bad || new Set(ids).size < ids.length ? 'invalid_blocks' : undefined
}

function textOf(block: object): string {
  const inner: unknown = Reflect.get(block, 'text')
  return typeof inner === 'object' && inner !== null && 'text' in inner ? String(inner.text) : ''
}

/** All characters that people see. */
export function lengthOf(blocks: readonly unknown[]): number {
  let length = 0
  JSON.stringify(blocks, (key, value: unknown) => {
    if (typeof value === 'string' && (key === 'text' || key === 'url')) length += value.length
    return value
  })
  return length
}
