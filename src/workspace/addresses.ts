import { BlockList, isIP } from 'node:net'

/** This machine, and what only answers on its own wire. */
const MACHINE = new BlockList()
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 3],
] as const)
  MACHINE.addSubnet(net, bits, 'ipv4')
for (const [net, bits] of [
  ['::', 127],
  ['fe80::', 10],
  ['ff00::', 8],
  ['64:ff9b::', 96],
] as const)
  MACHINE.addSubnet(net, bits, 'ipv6')

/**
 * Whether an address that a name leads to may be reached: never this machine, never what only answers on its own wire (the
 * services of a cloud, security.md 37), whoever has put that into the name's records.
 */
export function isReachable(address: string): boolean {
  const family = isIP(address)
  if (family === 0) return false
  // An IPv4 address in the form of an IPv6 one is the same address.
  const inner = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (inner) return !MACHINE.check(inner, 'ipv4')
  if (/^::ffff:/i.test(address)) return false
  return !MACHINE.check(address, family === 4 ? 'ipv4' : 'ipv6')
}
