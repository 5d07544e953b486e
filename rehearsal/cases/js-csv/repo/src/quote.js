/** A field as it is written: quoted where it has to be. */
export function quote(field, separator) {
  return field.includes(separator) || /["\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field
}
