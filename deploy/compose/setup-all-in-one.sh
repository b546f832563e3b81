#!/bin/sh
# Run once by all-in-one.yaml, as root in a container without a network: a certificate, and a
# manifests repository with images to try things with. Whatever is there is kept.
set -eu

towpath certificate --out /tls --name localhost --name towpath --name 127.0.0.1
chown -R 10001:10001 /tls
chown 10001:10001 /srv/towpath
setpriv --reuid 10001 --regid 10001 --clear-groups towpath demo --prepare --dir /srv/towpath
