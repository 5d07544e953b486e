/**
 * What is said in a message. **A plain string is somebody else's words**, in Markdown: whatever stands in it is made harmless
 * before it is written. Muster's own words are written with `say`, whose template is ours and whose values are foreign again.
 */
export type Words = string | Own | Piece

/** Muster's own Markdown, with what is put into it: `own` has one piece more than `put`. */
export interface Own {
  readonly own: readonly string[]
  readonly put: readonly Piece[]
}

/**
 * Something put into Muster's own words. All but `link` and `issue` are foreign. Whoever wants less of them says so with `max`:
 * they are cut where they are read, after what is secret is gone, for half of a secret is known as none.
 */
export type Piece =
  /** A name or a value, shown as it is: nothing in it is markup. */
  | { readonly kind: 'value'; readonly text: string; readonly max?: number }
  /** Markdown of any length; where it stands in a paragraph, its first and last paragraphs join that. */
  | { readonly kind: 'said'; readonly text: string; readonly max?: number }
  /** Markdown on one line. */
  | { readonly kind: 'brief'; readonly text: string; readonly max: number }
  | { readonly kind: 'mono'; readonly text: string; readonly max?: number }
  /** An address of Muster's or the platform's own, never one out of foreign words. */
  | { readonly kind: 'link'; readonly url: string; readonly label: string; readonly max?: number }
  /** An issue or pull request of the repository; `closes`: it is closed by a merge. */
  | { readonly kind: 'issue'; readonly number: number; readonly closes: boolean }

/** Muster's own words. Numbers and own words in it are own; strings are values, shown as they are. */
export function say(template: TemplateStringsArray, ...values: readonly (Words | number)[]): Own {
  const own: string[] = [template[0] ?? '']
  const put: Piece[] = []
  values.forEach((value, index) => {
    const after = template[index + 1] ?? ''
    if (typeof value === 'number') extend(own, `${value}${after}`)
    else if (typeof value === 'object' && 'own' in value) {
      const [first = '', ...rest] = value.own
      extend(own, first)
      own.push(...rest)
      put.push(...value.put)
      extend(own, after)
    } else {
      put.push(typeof value === 'string' ? { kind: 'value', text: value } : value)
      own.push(after)
    }
  })
  return { own, put }
}

function extend(own: string[], text: string): void {
  own[own.length - 1] = `${own.at(-1) ?? ''}${text}`
}

/** Nothing, where something may be said. */
export const NOTHING: Own = say``

/** Several after each other. */
export function joined(all: readonly Words[], between: Own): Own {
  return all.reduce<Own>((sum, one, index) => (index === 0 ? say`${one}` : say`${sum}${between}${one}`), NOTHING)
}

/** Foreign Markdown. */
export function theirs(text: string, max?: number): Piece {
  return { kind: 'said', text, ...limit(max) }
}

/** A foreign value as it is, of at most so many characters. */
export function value(text: string, max: number): Piece {
  return { kind: 'value', text, max }
}

/** Foreign Markdown on one line. */
export function brief(text: string, max = 120): Piece {
  return { kind: 'brief', text, max }
}

/** Foreign words as code within a line. */
export function mono(text: string, max?: number): Piece {
  return { kind: 'mono', text, ...limit(max) }
}

const limit = (max: number | undefined) => (max === undefined ? {} : { max })

export function link(url: string, label: string = url, max?: number): Piece {
  return { kind: 'link', url, label, ...limit(max) }
}

/** `#12` */
export function issue(number: number): Piece {
  return { kind: 'issue', number, closes: false }
}

/** `Closes #12` */
export function closes(number: number): Piece {
  return { kind: 'issue', number, closes: true }
}

/** A SHA as people read it. */
export function shortSha(sha: string): Piece {
  return mono(sha.slice(0, 7))
}
