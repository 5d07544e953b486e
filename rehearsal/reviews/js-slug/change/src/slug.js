/**
 * A title as it stands in an address: lower case letters, digits and hyphens. Empty where nothing of it is left.
 * @param max at most so many characters (a whole number from 1); words are kept whole, unless the first alone is longer
 */
export function slug(title, { max = Infinity } = {}) {
  const whole = title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  if (whole.length <= max) return whole
  // A hyphen right behind the cut says that the last word is whole.
  const end = whole.lastIndexOf('-', max)
  return whole.slice(0, end > 0 ? end : max)
}
