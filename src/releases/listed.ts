/** What an operator lists with commas; undefined where one of them cannot be read. @param read undefined where that is not possible */
export function listed<T>(text: string | undefined, read: (one: string) => T | undefined): readonly T[] | undefined {
  const parts = (text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean)
    .map(read)
  const known = parts.filter((one) => one !== undefined)
  return known.length === parts.length ? known : undefined
}
