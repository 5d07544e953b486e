/** A JSON Web Token (RFC 7519) signed with HS256, and not run out. Nothing else is accepted, whatever its header says. */
export async function isToken(token: string, secret: string): Promise<boolean> {
  // Loaded where Jira is.
  const { jwtVerify } = await import('jose')
  try {
    await jwtVerify(token, new TextEncoder().encode(secret), { algorithms: ['HS256'], requiredClaims: ['exp'] })
    return true
  } catch {
    return false
  }
}
