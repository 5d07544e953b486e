/**
 * A seccomp filter for what runs in the sandbox: what no build and no test needs, and what attacks on kernels begin with, is
 * refused (the families of Docker's and Flatpak's filters). Everything else is allowed: the sandbox's walls are its namespaces.
 */

/** Numbers of calls on x64 and on arm64; undefined where there is no such call (`asm/unistd_64.h`, `asm-generic/unistd.h`). */
const REFUSED: Readonly<Record<string, readonly [x64: number | undefined, arm64: number | undefined]>> = {
  acct: [163, 89],
  add_key: [248, 217],
  bpf: [321, 280],
  clock_adjtime: [305, 266],
  clock_settime: [227, 112],
  delete_module: [176, 106],
  fanotify_init: [300, 262],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  init_module: [175, 105],
  ioperm: [173, undefined],
  iopl: [172, undefined],
  kcmp: [312, 272],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  lookup_dcookie: [212, 18],
  migrate_pages: [256, 238],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  move_pages: [279, 239],
  name_to_handle_at: [303, 264],
  nfsservctl: [180, 42],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  perf_event_open: [298, 241],
  pidfd_getfd: [438, 438],
  pivot_root: [155, 41],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  reboot: [169, 142],
  request_key: [249, 218],
  setns: [308, 268],
  settimeofday: [164, 170],
  swapoff: [168, 225],
  swapon: [167, 224],
  syslog: [103, 116],
  sysctl: [156, undefined],
  umount2: [166, 39],
  unshare: [272, 97],
  uselib: [134, undefined],
  userfaultfd: [323, 282],
  vhangup: [153, 58],
}
/** Programs fall back to older calls where these are not there. */
const ABSENT = {
  clone3: [435, 435],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
} as const
const CLONE = [56, 220] as const
const SOCKET = [41, 198] as const
/** UNIX, IPv4, IPv6, and netlink, by which programs list the machine's addresses. No VSOCK, no packets, no kernel crypto. */
const FAMILIES = [1, 2, 10, 16]
const CLONE_NEWUSER = 0x1000_0000
const ERRNO = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const

// linux/bpf_common.h, linux/seccomp.h, linux/audit.h
const OP = { load: 0x20, equal: 0x15, atLeast: 0x35, anyBit: 0x45, give: 0x06 } as const
const ALLOW = 0x7fff_0000
const KILL = 0x8000_0000
const refusing = (errno: number) => 0x0005_0000 | errno
const AT = { call: 0, machine: 4, argument: 16 } as const
const MACHINES = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const
/** The other way of calling on x64 (x32), which has numbers of its own. */
const X32 = 0x4000_0000

type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, value: number]

/** The filter as `bwrap --seccomp` takes it; undefined on a machine that it is not written for. */
export function seccompFilter(arch: string = process.arch): Buffer | undefined {
  if (arch !== 'x64' && arch !== 'arm64') return undefined
  const column = arch === 'x64' ? 0 : 1
  const refuse = (number: number | undefined, errno: number): Instruction[] =>
    number === undefined
      ? []
      : [
          [OP.equal, 0, 1, number],
          [OP.give, 0, 0, refusing(errno)],
        ]
  return assemble([
    [OP.load, 0, 0, AT.machine],
    [OP.equal, 1, 0, MACHINES[arch]],
    [OP.give, 0, 0, KILL],
    [OP.load, 0, 0, AT.call],
    ...(arch === 'x64'
      ? ([
          [OP.atLeast, 0, 1, X32],
          [OP.give, 0, 0, refusing(ERRNO.EPERM)],
        ] as const)
      : []),
    ...Object.values(REFUSED).flatMap((numbers) => refuse(numbers[column], ERRNO.EPERM)),
    ...Object.values(ABSENT).flatMap((numbers) => refuse(numbers[column], ERRNO.ENOSYS)),
    // No user namespace within this one: most holes of the last years began there.
    [OP.equal, 0, 4, CLONE[column]],
    [OP.load, 0, 0, AT.argument],
    [OP.anyBit, 0, 1, CLONE_NEWUSER],
    [OP.give, 0, 0, refusing(ERRNO.EPERM)],
    [OP.give, 0, 0, ALLOW],
    [OP.equal, 0, 2 + 2 * FAMILIES.length, SOCKET[column]],
    [OP.load, 0, 0, AT.argument],
    ...FAMILIES.flatMap((family): Instruction[] => [
      [OP.equal, 0, 1, family],
      [OP.give, 0, 0, ALLOW],
    ]),
    [OP.give, 0, 0, refusing(ERRNO.EAFNOSUPPORT)],
    [OP.give, 0, 0, ALLOW],
  ])
}

/** The highest family of the list; those below that are not on it are named one by one. */
const LAST_FAMILY = Math.max(...FAMILIES)

/** The same, as container engines take it (the profile of Docker's documentation). */
export function seccompProfile(): unknown {
  const refused = (names: readonly string[], errnoRet: number, args: readonly unknown[] = []) => ({
    names,
    action: 'SCMP_ACT_ERRNO',
    errnoRet,
    args,
  })
  const unwanted = Array.from({ length: LAST_FAMILY }, (_, family) => family).filter((one) => !FAMILIES.includes(one))
  const socket = (op: string, value: number) => refused(['socket'], ERRNO.EAFNOSUPPORT, [{ index: 0, value, op }])
  const newUser = { index: 0, value: CLONE_NEWUSER, valueTwo: CLONE_NEWUSER, op: 'SCMP_CMP_MASKED_EQ' }
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'],
    syscalls: [
      refused(
        Object.keys(REFUSED).map((name) => (name === 'sysctl' ? '_sysctl' : name)),
        ERRNO.EPERM,
      ),
      refused(Object.keys(ABSENT), ERRNO.ENOSYS),
      refused(['clone'], ERRNO.EPERM, [newUser]),
      ...unwanted.map((family) => socket('SCMP_CMP_EQ', family)),
      socket('SCMP_CMP_GT', LAST_FAMILY),
    ],
  }
}

/** `struct sock_filter`, in the byte order of both machines. */
function assemble(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8)
  for (const [index, [code, whenTrue, whenFalse, value]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(whenTrue, index * 8 + 2)
    bytes.writeUInt8(whenFalse, index * 8 + 3)
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4)
  }
  return bytes
}
