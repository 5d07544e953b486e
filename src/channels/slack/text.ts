const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>' }

/**
 * Slack's text as Markdown: what Slack marks (`<@U1>`, `<#C1|name>`, `<https://…|label>`) becomes words and links, and Muster's
 * own mention becomes `@muster`, so that the same parser of commands reads every channel. Quotes and code stay what they are.
 * @param own Muster's own accounts in the workspace
 */
export function markdownOf(
  text: string,
  own: readonly string[],
): { readonly text: string; readonly mentioned: boolean } {
  let mentioned = false
  const marked = text.replace(/<([^<>]*)>/g, (_all, inner: string) => {
    const [target = '', label] = inner.split('|', 2)
    if (target.startsWith('@')) {
      const mine = own.includes(target.slice(1))
      mentioned ||= mine
      return mine ? '@muster' : `@${nameIn(label, target.slice(1))}`
    }
    if (target.startsWith('#')) return `#${label || target.slice(1)}`
    if (target.startsWith('!')) return `@${nameIn(label?.replace(/^@/, ''), target.slice(1).split('^')[0] ?? '')}`
    return label && label !== target ? `[${label}](${target})` : target
  })
  const words = marked.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity] ?? entity)
  // Slack writes the items of a list with signs of its own.
  return { text: words.replace(/^([ \t]{0,40})[•◦▪]\uFE0E?[ \t]+/gm, '$1- '), mentioned }
}

/** What somebody is called, as one word; whoever is called like Muster is called by their id, since only Muster's own account is Muster. */
export function nameIn(label: string | undefined, id: string): string {
  const name = /^[\p{L}\p{N}_.-]{1,80}/u.exec(label ?? '')?.[0] ?? ''
  return name === '' || name.toLowerCase() === 'muster' ? id : name
}
