#!/bin/sh
# Run once by split.yaml, as root in a container without a network: a certificate, passwords, the
# users of NATS, a manifests repository with images to try things with. Each service gets a volume
# with its own secrets only. Whatever is there is kept.
set -eu

roles='cd-manager releaser approval-ledger changelog runner forge'
umask 077

# password <file>: makes a password unless there is one.
password() {
    [ -s "$1" ] || head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"$1"
}

# shellcheck disable=SC2046
towpath certificate --out /secrets/setup/tls --name localhost --name 127.0.0.1 --name nats --name postgres \
    $(for role in $roles; do printf -- '--name %s ' "$role"; done)
password /secrets/setup/postgresql
for user in $roles operator ci; do password "/secrets/setup/nats-$user.password"; done

# hand <service>: the certificate.
hand() {
    mkdir -p "/secrets/$1/tls"
    cp /secrets/setup/tls/ca.crt /secrets/setup/tls/tls.crt /secrets/setup/tls/tls.key "/secrets/$1/tls/"
}

towpath nats-config --passwords /secrets/setup >/secrets/nats/users.conf.new
mv /secrets/nats/users.conf.new /secrets/nats/users.conf
hand nats
chown -R 0:0 /secrets/nats

hand postgres
cp /secrets/setup/postgresql /secrets/postgres/password
chown -R 999:999 /secrets/postgres

for role in $roles operator; do
    hand "$role"
    cp "/secrets/setup/nats-$role.password" "/secrets/$role/log-password"
    cp /secrets/setup/postgresql "/secrets/$role/reads-password"
    chown -R 10001:10001 "/secrets/$role"
done

chown 10001:10001 /srv/towpath
setpriv --reuid 10001 --regid 10001 --clear-groups towpath demo --prepare --dir /srv/towpath
