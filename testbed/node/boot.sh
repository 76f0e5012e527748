#!/bin/sh
# First half of the node's life: pid 1 of its own namespaces, still seeing the machine's files.
# It puts the node's own root together and changes into it. Everything mounted here is private to
# the mount namespace, so the machine sees none of it and the kernel removes it with the last process.
#
#   unshare --mount --net --pid --uts --ipc --fork boot.sh ROOTFS STATE VOLUMES LOGS NAME
set -eu
rootfs=$1 state=$2 volumes=$3 logs=$4 name=$5
here=$(dirname "$0")

# One node at a time: this lock lives as long as pid 1 does, however it dies.
exec 9>"$state/lock"
flock --nonblock 9 || { echo "another node already runs from $state" >&2; exit 75; }

# /proc is still the machine's here, so this is the pid by which the machine knows the node.
read -r stat </proc/self/stat
read -r boot_id </proc/sys/kernel/random/boot_id
printf '%s\n%s\n' "$boot_id" "$stat" >"$state/record.new"
mv "$state/record.new" "$state/record"

# The one module that nothing loads by itself; without it, answers of Services within the node get lost.
[ -e /proc/sys/net/bridge ] || modprobe br_netfilter || {
    echo "the kernel has no br_netfilter, which Kubernetes Services need: load that module, or use another kernel" >&2
    exit 1
}

# A cgroup of our own, so that limits of the shell that ran `up` do not apply to the cluster, and so
# that kubelet finds its cgroupRoot. cpuset (version 1) must be given its CPUs before it takes processes.
for group in /sys/fs/cgroup /sys/fs/cgroup/*; do
    # Empty groups of containers that ended with the last node; kubelet would take them for running ones.
    [ ! -d "$group/mlflow-platform" ] || find "$group/mlflow-platform" -depth -type d -exec rmdir {} + 2>/dev/null || true
    [ -w "$group/cgroup.procs" ] || continue
    case $group in */mlflow-platform) continue ;; esac
    [ "$group" = /sys/fs/cgroup ] || [ ! -e "$group/cgroup.controllers" ] || continue
    [ "$group" != /sys/fs/cgroup ] ||
        for controller in $(cat "$group/cgroup.controllers"); do
            echo "+$controller" >"$group/cgroup.subtree_control" || true
        done
    for ours in "$group/mlflow-platform" "$group/mlflow-platform/node"; do
        mkdir -p "$ours"
        parent=$(dirname "$ours")
        for key in cpuset.cpus cpuset.mems; do
            [ ! -e "$parent/$key" ] || cat "$parent/$key" >"$ours/$key"
        done
    done
    echo 0 >"$group/mlflow-platform/node/cgroup.procs"
done

# containerd unpacks images as overlays in $state.
mkdir -p "$state/mnt" "$state/overlay/lower" "$state/overlay/upper" "$state/overlay/work"
mount -t overlay -o "lowerdir=$state/overlay/lower,upperdir=$state/overlay/upper,workdir=$state/overlay/work" node "$state/mnt" || {
    echo "the file system of $state cannot hold containers: set XDG_DATA_HOME to a directory on ext4, xfs or btrfs" >&2
    exit 1
}
umount "$state/mnt"

# The root: the built file system below, a tmpfs above. What must outlive the node is bound in by name.
mount -t tmpfs -o mode=755 node "$state/mnt"
mkdir "$state/mnt/upper" "$state/mnt/work" "$state/mnt/root"
mount -t overlay -o "lowerdir=$rootfs,upperdir=$state/mnt/upper,workdir=$state/mnt/work" node "$state/mnt/root"
root=$state/mnt/root
mount -t tmpfs -o mode=755 run "$root/run"

persist() { # SOURCE TARGET
    mkdir -p "$1" "$root$2"
    mount --bind "$1" "$root$2"
}
persist "$state/kubernetes" /etc/kubernetes
persist "$state/kubelet" /var/lib/kubelet
persist "$state/etcd" /var/lib/etcd
persist "$state/containerd" /var/lib/containerd
persist "$volumes" /volumes
persist "$logs/node" /var/log/node
persist "$logs/pods" /var/log/pods

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --rbind /sys/fs/cgroup "$root/sys/fs/cgroup"

# kubelet sets these for the whole machine when they differ. It reads the wanted values here instead,
# and the machine keeps its own.
shadow() { # SYSCTL VALUE
    [ -e "$root/proc/sys/$(echo "$1" | tr . /)" ] || return 0
    mkdir -p "$root/run/sysctl"
    echo "$2" >"$root/run/sysctl/$1"
    mount --bind "$root/run/sysctl/$1" "$root/proc/sys/$(echo "$1" | tr . /)"
}
shadow vm.overcommit_memory 1
shadow vm.panic_on_oom 0
shadow kernel.panic 10
shadow kernel.panic_on_oops 1
shadow kernel.keys.root_maxkeys 1000000
shadow kernel.keys.root_maxbytes 25000000

mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null zero full random urandom tty kmsg; do
    : >"$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount -t mqueue mqueue "$root/dev/mqueue"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"

[ -s "$state/machine-id" ] || tr -d - </proc/sys/kernel/random/uuid >"$state/machine-id"
cp "$state/machine-id" "$root/etc/machine-id"
hostname "$name"
mkdir -p "$root/etc/mlflow-platform"
cp -r "$here/files/." "$root/"

cd "$root"
mkdir -p .machine
pivot_root . .machine
# Mounts made by pods must reach kubelet and back.
mount --make-rshared /
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    sh -c 'umount --lazy /.machine && rmdir /.machine && exec /usr/local/sbin/node-init' </dev/null
