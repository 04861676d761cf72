#!/bin/sh
# Runs inside the new mount, network and UTS namespaces of a test host, below tini, and stays there as their holder.
# usage: inside.sh DIRECTORY NAME [QEMU [no-kvm]]     Prints "ready" once libvirtd is started; whatever it says else is an error.
set -eu
directory=$1 name=$2 qemu=${3:-} kvm=${4:-}

# First the mount by which the host's processes are recognised: from here on a sweep finds this process.
mount --bind "$directory/run" /run
mount --bind "$directory/etc" /etc/libvirt
mount --bind "$directory/lib" /var/lib/libvirt
mount --bind "$directory/cache" /var/cache/libvirt
mount --bind "$directory/log" /var/log/libvirt
# /sys shows the network devices of the namespace that mounted it.
mount -t sysfs sysfs /sys
hostname "$name"
ip link set lo up

# The machine's own device node stays as it is.
if [ -c /dev/kvm ] && [ "$kvm" = no-kvm ]; then
	# In its place is a file that nobody may open.
	touch "$directory/no-kvm"
	chmod 0 "$directory/no-kvm"
	mount --bind "$directory/no-kvm" /dev/kvm
elif [ -c /dev/kvm ] && getent group kvm >/dev/null; then
	# QEMU's user may open it here whatever the machine's own permissions are: libvirt probes QEMU again on every start
	# (5 s) where it may not.
	mkdir -p "$directory/dev"
	mount -t tmpfs -o size=64k,mode=755 dev "$directory/dev"
	mknod "$directory/dev/kvm" c $(stat -c '0x%t 0x%T' /dev/kvm)
	chown root:kvm "$directory/dev/kvm"
	chmod 660 "$directory/dev/kvm"
	mount --bind "$directory/dev/kvm" /dev/kvm
fi

# Another QEMU has the place of the machine's: programs, modules and firmware.
if [ -n "$qemu" ]; then
	for path in "$qemu"/usr/bin/qemu-system-x86_64 "$qemu"/usr/lib/*/qemu "$qemu"/usr/share/qemu "$qemu"/usr/share/seabios; do
		mount --bind "$path" "${path#"$qemu"}"
	done
fi

virtlogd --daemon --pid-file /run/virtlogd.pid
libvirtd --daemon --listen --pid-file /run/libvirtd.pid
echo ready
exec sleep infinity </dev/null >/dev/null 2>&1
