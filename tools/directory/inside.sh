#!/bin/sh
# The world of a directory server: runs inside new mount, network, PID and UTS namespaces, below tini, and holds them.
# Everything that is written goes to file systems in memory that end with the namespaces.
# usage: inside.sh NAME DOMAIN     Prints "ready"; whatever it says else is an error.
set -eu
name=$1 domain=$2

# A copy: packages' files are needed, and what is written shall not reach the machine's own.
mount -t tmpfs -o mode=755 run /run
mkdir /run/etc
cp -a /etc/. /run/etc
mount --bind /run/etc /etc
for folder in lib/samba lib/ldap cache/samba log/samba; do
	[ ! -d "/var/$folder" ] || mount -t tmpfs -o mode=755 private "/var/$folder"
done

hostname "$name"
rm -f /etc/resolv.conf /etc/krb5.conf /etc/samba/smb.conf /etc/krb5.keytab
echo "search $domain
nameserver 10.99.0.1" >/etc/resolv.conf
echo "127.0.0.1 localhost
10.99.0.1 $name.$domain $name" >/etc/hosts
ip link set lo up
ip address add 10.99.0.1/32 dev lo

echo ready
exec sleep infinity </dev/null >/dev/null 2>&1
