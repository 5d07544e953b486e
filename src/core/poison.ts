/** After so many processes that ended at it, one after the other, work is suspected of having ended them (reliability.md R16). */
const SUSPECT = 3
/** Then it is set aside, whatever else is going on. */
const CERTAIN = 10

/**
 * Whether work ends the processes that try it, rather than being there by chance when they end. Where processes end all the
 * time (a machine without memory, somebody who kills them), three of them at the same work mean nothing.
 * @param crashes how many processes ended at this work, one after the other
 * @param deaths how many processes of the installation ended lately without saying so, these included
 */
export function isPoison(crashes: number, deaths: number): boolean {
  if (crashes < SUSPECT) return false
  return crashes * 2 >= deaths || crashes >= CERTAIN
}
