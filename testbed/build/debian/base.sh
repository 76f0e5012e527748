#!/bin/sh
# Turn debootstrap's result into what Docker's debian:trixie-slim is: current, without documentation.
# Runs inside the root file system. usage: base.sh SUITE MIRROR SECURITY_MIRROR
set -eu
suite=$1 mirror=$2 security=$3

cat >/etc/dpkg/dpkg.cfg.d/slim <<'EXCLUDES'
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
EXCLUDES
find /usr/share/doc -type f ! -name copyright -delete
find /usr/share/doc -depth -type d -empty -delete
rm -rf /usr/share/info/* /usr/share/locale/* /usr/share/man/*

# Packages must not start services where nobody supervises them.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d

rm -f /etc/apt/sources.list
cat >/etc/apt/sources.list.d/debian.sources <<SOURCES
Types: deb
URIs: $mirror
Suites: $suite $suite-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: $security
Suites: $suite-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
apt-get update --error-on=any
apt-get upgrade --yes --no-install-recommends
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/lib/dpkg/*-old /var/log/*
