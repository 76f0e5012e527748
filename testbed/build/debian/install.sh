#!/bin/sh
# Install packages and leave no downloads or lists behind. Runs inside the root file system.
# usage: install.sh PACKAGE...
set -eu
apt-get update --error-on=any
apt-get install --yes --no-install-recommends "$@"
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/*
