/**
 * Compares the lockfile with npm's account of what is installed (`node_modules/.package-lock.json`).
 * @param {Record<string, {version?: string, dev?: boolean, optional?: boolean, devOptional?: boolean, peer?: boolean}>} locked
 * @param {Record<string, {version?: string}>} installed
 * @param {(path: string) => boolean} exists that account may be ahead of the folder
 * @returns what is missing or of another version: of what the product needs, of what its tests need; and whether anything is
 * there that only tests need
 */
export function missingOf(locked, installed, exists) {
  // What is optional is there on some machines only.
  const packages = Object.entries(locked).filter(([path, one]) => path !== '' && !one.optional && !one.devOptional)
  const isThere = ([path, { version }]) => installed[path]?.version === version && exists(path)
  const [needed, dev] = [packages.filter(([, one]) => !one.dev), packages.filter(([, one]) => one.dev)]
  return { needed: !needed.every(isThere), dev: !dev.every(isThere), hasDev: dev.some(([path]) => path in installed) }
}
