#!/bin/sh
# Build one image from a Dockerfile and write it as an archive. Runs inside the builder's file system.
#
#   image.sh NAME [BUILDAH BUILD OPTION]...
#
# /run/context holds the Dockerfile, /run/base the image store with Debian in it (only read),
# /run/scratch is on the disk, and the archive becomes /run/scratch/image.tar.
set -eu
name=$1
shift
mkdir /run/scratch/tmp
export TMPDIR=/run/scratch/tmp

base=
if [ -d /run/base ]; then base=--storage-opt=overlay.imagestore=/run/base; fi
store() {
    # shellcheck disable=SC2086 # one word, or none
    buildah --root /run/scratch/store --runroot /run/buildah --storage-driver overlay $base "$@"
}

store build --isolation chroot --pull=never --layers=false "$@" --tag "$name" /run/context
store push "$name" "docker-archive:/run/scratch/image.tar:$name"
