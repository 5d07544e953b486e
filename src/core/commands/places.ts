import type { CommandDefinition } from './define.ts'
import { notYet } from './later.ts'
import { address } from './parse.ts'

/** Where a conversation is held. The inbox carries these out, which knows the places; a task only hears of it. */
const LINE = { tells: false, takesWords: false } as const

export const link: CommandDefinition<'link'> = {
  ...LINE,
  verb: 'link',
  usage: 'link <url>',
  help: 'let this conversation be held there as well: a Slack thread, a ticket, an issue',
  examples: ['link https://acme.atlassian.net/browse/SHOP-12'],
  parse(line) {
    const url = address('link', line)
    return url instanceof URL ? { verb: 'link', url } : url
  },
  decide: notYet,
}

export const unlink: CommandDefinition<'unlink'> = {
  ...LINE,
  verb: 'unlink',
  usage: 'unlink [<url>]',
  help: 'let this place (or that one) go its own way again',
  examples: ['unlink', 'unlink https://acme.atlassian.net/browse/SHOP-12'],
  parse(line) {
    if (line.rest.length === 0) return { verb: 'unlink', url: undefined }
    const url = address('unlink', line)
    return url instanceof URL ? { verb: 'unlink', url } : url
  },
  decide: notYet,
}
