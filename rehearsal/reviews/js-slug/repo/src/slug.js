/** A title as it stands in an address: lower case letters, digits and hyphens. Empty where nothing of it is left. */
export function slug(title) {
  return title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}
