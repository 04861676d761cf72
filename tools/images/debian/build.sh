#!/bin/sh
# build.sh ROOT SOURCES FILES LATER [PACKAGE...]: makes a Debian root file system in the empty folder ROOT.
#   SOURCES  sources.list for the image; its first line is the archive that debootstrap uses
#   FILES    tree of files to put into the image before its packages are configured
#   LATER    tree of files to put into it afterwards; systemd units among them are enabled
#   PACKAGE  to be installed beyond what every image has; with a hyphen after it: to be taken out
# Needs root, because packages' scripts run in a chroot. Call it with a mount namespace of its own (unshare --mount),
# so that nothing stays mounted whatever happens.
set -eu
root=$1 sources=$2 files=$3 later=$4
shift 4

step() {
	now=$(date +%s)
	echo "step: $1 ($((now - started)) s)"
	started=$now
}
started=$(date +%s)

# "deb [options] URI SUITE COMPONENT..."
read -r archive suite <<END
$(sed -n '1s/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) \([^ ]*\) .*/\2 \3/p' "$sources")
END
debootstrap --variant=minbase --include=systemd-sysv,udev,dbus "$suite" "$root" "$archive"
step "debootstrap"

cp -R "$files/." "$root/"
cp "$sources" "$root/etc/apt/sources.list"
# Services must not start on the build machine.
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mount -t proc proc "$root/proc"

# apt runs outside, so that the machine's way to the network (proxies, certificates) serves and none of it gets into the
# image; dpkg runs inside. The machine's hooks and other sources stay out.
settings=$root/../apt.conf
{
	apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets'
	echo "Dir \"$root\"; Dir::Etc::parts \"/nonexistent\"; Dir::Etc::sourceparts \"/nonexistent\";"
	echo "DPkg::Chroot-Directory \"$root\"; APT::Install-Recommends \"false\"; APT::Sandbox::User \"root\";"
	# Nobody needs a half-made image after a power cut.
	echo 'DPkg::Options { "--force-unsafe-io"; "--force-confold"; };'
} > "$settings"
export APT_CONFIG="$settings" DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q -y dist-upgrade
# cloud-init only now: debootstrap's --include cannot order what it depends on. cloud-guest-utils and fdisk grow the root
# partition with the disk.
apt-get -q -y install qemu-guest-agent cloud-init cloud-guest-utils fdisk openssh-server systemd-resolved \
	linux-image-cloud-amd64 initramfs-tools zstd kmod procps iproute2 iputils-ping less vim-tiny sudo "$@"
step "apt install"

umount "$root/proc"
cp -R "$later/." "$root/"
units=$(cd "$later" && grep -rl '^\[Install\]' . | sed 's|.*/||')
chroot "$root" systemctl --quiet enable systemd-networkd systemd-resolved ssh-host-keys $units
# A getty and whatever else writes to the first serial port would mix their output; the console's log stays readable.
chroot "$root" systemctl --quiet mask serial-getty@ttyS0.service apt-daily.timer apt-daily-upgrade.timer \
	e2scrub_all.timer e2scrub_reap.service

# Every clone makes these for itself.
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/var/lib/systemd/random-seed"
: > "$root/etc/machine-id"
echo debian > "$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 debian\n::1 localhost ip6-localhost ip6-loopback\n' > "$root/etc/hosts"
rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* \
	"$root"/var/log/*.log "$root"/var/log/apt/* "$root"/var/cache/debconf/*-old "$root/usr/sbin/policy-rc.d"
chroot "$root" dpkg-query --show --showformat '${Package} ${Version}\n' > "$root/../versions"
step "clean"
