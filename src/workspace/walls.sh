# Builds the walls of a sandbox with nothing but util-linux and a shell, where bubblewrap is not installed. It is started in
# fresh namespaces as their root (`unshare.ts`), puts a new root together, moves into it, and becomes the command there.
#   sh walls.sh SIGN TMP_BYTES [ro|rw|file SOURCE TARGET]... -- COMMAND...
# SIGN is printed once the walls stand, right before the command begins.
set -eu
trap 'echo "walls: not built" >&2; exit 125' EXIT
umask 022
sign=$1 tmp_bytes=$2; shift 2
# Any folder that every machine has and that nothing inside comes from: none is made on the host, and none stays.
root=/sys
mount -t tmpfs -o mode=755,nosuid,nodev,size=16m tmpfs "$root"

# A folder's own mounts come along (they are locked to it), so each of them is closed.
close() {
  while read -r _ _ _ _ at _; do
    case $at in "$1" | "$1"/*) mount -o remount,bind,ro,nosuid,nodev "$(printf "$at")" ;; esac
  done < /proc/self/mountinfo
}
place() {
  mkdir -p "${2%/*}"
  if [ -d "$1" ]; then mkdir -p "$2"; else : > "$2"; fi
  mount --rbind "$1" "$2"
}
while [ "$1" != -- ]; do
  case $1 in
    ro) place "$2" "$root$3"; close "$root$3" ;;
    rw) place "$2" "$root$3"; mount -o remount,bind,nosuid,nodev "$root$3" ;;
    file) mkdir -p "$root${3%/*}"; printf %s "$2" > "$root$3" ;;
  esac
  shift 3
done
shift

mkdir -p "$root/proc" "$root/dev/shm" "$root/dev/pts" "$root/tmp" "$root/old"
mount -t tmpfs -o "mode=1777,nosuid,nodev,size=$tmp_bytes" tmpfs "$root/tmp"
for name in null zero full random urandom tty; do place "/dev/$name" "$root/dev/$name"; done
for name in 0/stdin 1/stdout 2/stderr; do ln -s "/proc/self/fd/${name%/*}" "$root/dev/${name#*/}"; done
ln -s /proc/self/fd "$root/dev/fd"; ln -s pts/ptmx "$root/dev/ptmx"
mount -t tmpfs -o mode=1777,nosuid,nodev,size=64m tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,nosuid,noexec,ptmxmode=666,mode=620 devpts "$root/dev/pts"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"

# Where there is no such program, the machine's own name is seen inside; nothing else hangs on it.
hostname sandbox 2> /dev/null || :
# No user namespace within the next one, which is the last: most holes of the last years began there.
echo 1 > /proc/sys/user/max_user_namespaces
# What the kernel lets be set there is not to be looked at either.
mount --bind "$root/proc/sys" "$root/proc/sys"; close "$root/proc/sys"
# A machine of its own has a loopback of its own; it is down at first (SIOCSIFFLAGS: up and running).
if command -v perl > /dev/null; then perl -e 'socket(S, 2, 2, 0) && ioctl(S, 0x8914, my $lo = pack("a16 s x14", "lo", 0x41)) or die "loopback: $!\n"'
else ip link set lo up; fi

cd "$root"; pivot_root . old; umount -l old; rmdir old; mount -o remount,bind,ro,nosuid,nodev /
cd /work
trap - EXIT
printf %s "$sign"
# In a user namespace of its own it owns none of the mounts, and may change none of them.
exec unshare --user --map-user=1000 --map-group=1000 -- setpriv --no-new-privs -- "$@"
