/** The host of the registry that an image's name leads to; Docker's where it names none. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return isHost ? first : 'docker.io'
}

/** A name of an image as engines take one, and nothing that could be an option or another command. */
export const IMAGE =
  /^[a-z0-9](?:[\w.-]*[a-z0-9])?(?::\d{1,5})?(?:\/[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)*(?::[\w.-]{1,128})?(?:@sha256:[0-9a-f]{64})?$/
