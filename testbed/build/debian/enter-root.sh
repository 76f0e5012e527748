#!/bin/sh
# Run a command inside a root file system, with mounts and process numbers of its own:
# everything it mounts and starts is gone when it ends, however it ends.
#
#   enter-root.sh ROOT [SOURCE:NAME]... -- COMMAND [ARGUMENT]...
#
# Each SOURCE is bound to /run/NAME; /run itself is an empty memory file system. Names, proxies and
# the machine's certificates are those of the machine, so that package tools reach their registries.
set -eu

if [ "${ENTERED:-}" != yes ]; then
    # The private mounts and the process namespace end with this process: no clean-up to forget.
    ENTERED=yes exec unshare --mount --pid --fork --kill-child -- "$0" "$@"
fi
unset ENTERED

root=$1
shift
# pivot_root wants a mount point, and container tools inside want one as their root.
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
# Bound, not copied: the file system must not remember the network it was built on.
if [ -e /etc/resolv.conf ]; then
    mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
fi
while [ "$1" != -- ]; do
    source=${1%:*}
    target=$root/run/${1##*:}
    if [ -d "$source" ]; then mkdir -p "$target"; else : >"$target"; fi
    mount --bind "$source" "$target"
    shift
done
shift

mkdir "$root/run/machine"
cd "$root"
pivot_root . run/machine
umount -l /run/machine
rmdir /run/machine
exec "$@"
