/** A text as it stands in HTML or SVG, in an element or an attribute: nothing in it is markup. */
export function escape(text: unknown): string {
  return String(text).replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
