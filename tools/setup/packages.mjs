// @ts-check
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findCommand } from "./run.mjs";

/** @typedef {"debian" | "fedora"} Family whose package names are known */

/**
 * @typedef {object} Need
 * @property {string} what for people on other systems
 * @property {() => boolean} present looks for the thing itself, which takes no package manager and no time
 * @property {string} debian package
 * @property {string} fedora package
 * @property {string[]} [services] what Debian would start with the package, now and at every boot
 */

/** @type {Need[]} */
export const needs = [
	{ what: "libvirtd", debian: "libvirt-daemon-system", fedora: "libvirt-daemon", present: command("libvirtd") },
	{ what: "virtlogd", debian: "libvirt-daemon-system", fedora: "libvirt-daemon-log", present: command("virtlogd") },
	{
		what: "libvirt's QEMU driver",
		debian: "libvirt-daemon-driver-qemu",
		fedora: "libvirt-daemon-driver-qemu",
		present: driver("libvirt_driver_qemu.so"),
	},
	{
		what: "libvirt's network driver",
		debian: "libvirt-daemon",
		fedora: "libvirt-daemon-driver-network",
		present: driver("libvirt_driver_network.so"),
	},
	{
		what: "libvirt's storage driver",
		debian: "libvirt-daemon",
		fedora: "libvirt-daemon-driver-storage-core",
		present: driver("libvirt_driver_storage.so"),
	},
	{ what: "virsh", debian: "libvirt-clients", fedora: "libvirt-client", present: command("virsh") },
	{
		what: "qemu-system-x86_64",
		debian: "qemu-system-x86",
		fedora: "qemu-system-x86-core",
		present: command("qemu-system-x86_64"),
	},
	{ what: "qemu-img", debian: "qemu-utils", fedora: "qemu-img", present: command("qemu-img") },
	// Fedora's package managers take the path of a file for the package that has it.
	{ what: "guestfish", debian: "guestfish", fedora: "/usr/bin/guestfish", present: command("guestfish") },
	{
		what: "UEFI firmware (OVMF)",
		debian: "ovmf",
		fedora: "edk2-ovmf",
		present: () => ["/usr/share/OVMF", "/usr/share/edk2/ovmf", "/usr/share/edk2/x64"].some(existsSync),
	},
	{ what: "dnsmasq", debian: "dnsmasq-base", fedora: "dnsmasq", present: command("dnsmasq") },
	{ what: "ip", debian: "iproute2", fedora: "iproute", present: command("ip") },
	{ what: "tcpdump", debian: "tcpdump", fedora: "tcpdump", present: command("tcpdump") },
	{ what: "iptables", debian: "iptables", fedora: "iptables-nft", present: command("iptables") },
	{ what: "nsenter and unshare", debian: "util-linux", fedora: "util-linux", present: command("nsenter") },
	{ what: "tini", debian: "tini", fedora: "tini", present: command("tini") },
	{ what: "a static busybox", debian: "busybox-static", fedora: "busybox", present: hasStaticBusybox },
	{ what: "modprobe", debian: "kmod", fedora: "kmod", present: command("modprobe") },
	{ what: "mke2fs", debian: "e2fsprogs", fedora: "e2fsprogs", present: command("mke2fs") },
	{ what: "mkfs.xfs", debian: "xfsprogs", fedora: "xfsprogs", present: command("mkfs.xfs") },
	{ what: "PostgreSQL", debian: "postgresql", fedora: "postgresql-server", present: hasPostgres },
	{ what: "openssl", debian: "openssl", fedora: "openssl", present: command("openssl") },
	{ what: "ssh-keygen", debian: "openssh-client", fedora: "openssh", present: command("ssh-keygen") },
	{ what: "cpio", debian: "cpio", fedora: "cpio", present: command("cpio") },
	{ what: "debootstrap", debian: "debootstrap", fedora: "debootstrap", present: command("debootstrap") },
	{ what: "zstd", debian: "zstd", fedora: "zstd", present: command("zstd") },
	{ what: "xz", debian: "xz-utils", fedora: "xz", present: command("xz") },
	{
		what: "swtpm and its tools",
		debian: "swtpm-tools",
		fedora: "swtpm-tools",
		present: () => ["swtpm", "swtpm_setup", "swtpm_localca"].every((name) => findCommand(name)),
	},
	{ what: "slapd", debian: "slapd", fedora: "openldap-servers", present: command("slapd"), services: ["slapd"] },
	{ what: "ldapsearch", debian: "ldap-utils", fedora: "openldap-clients", present: command("ldapsearch") },
	{
		what: "Samba's domain controller",
		debian: "samba-ad-dc",
		fedora: "samba-dc",
		present: () => ["samba", "winbindd"].every((name) => findCommand(name)) && hasLibrary("samba/ldb/acl.so"),
		services: ["smbd", "nmbd", "samba-ad-dc", "winbind"],
	},
	{
		what: "Samba's files for new domains",
		debian: "samba-ad-provision",
		fedora: "samba-dc-provision",
		present: () => existsSync("/usr/share/samba/setup"),
	},
	{ what: "Samba's net", debian: "samba-common-bin", fedora: "samba-common-tools", present: command("net") },
	{ what: "ldbsearch", debian: "ldb-tools", fedora: "ldb-tools", present: command("ldbsearch") },
	// For the test of the program of forked children's scripts, which is shipped as it was built.
	{ what: "a C compiler", debian: "gcc", fedora: "gcc", present: command("gcc") },
	// For the test of the template editor.
	{ what: "Chromium", debian: "chromium", fedora: "chromium", present: command("chromium") },
	{ what: "kinit and ktutil", debian: "krb5-user", fedora: "krb5-workstation", present: command("ktutil") },
];

/** @returns {Need[]} those that this machine does not meet */
export function unmetNeeds() {
	return needs.filter(({ present }) => !present());
}

/**
 * @param {Need[]} unmet
 * @param {Family} family
 * @returns {string[]} names of packages
 */
export function packagesFor(unmet, family) {
	return [...new Set(unmet.map((need) => need[family]))];
}

/**
 * @param {Need[]} unmet
 * @param {string[]} [folders] of systemd's units and of init scripts
 * @returns {string[]} services that would be new to this machine
 */
export function newServices(unmet, folders = ["/etc/systemd/system", "/lib/systemd/system", "/etc/init.d"]) {
	return unmet
		.flatMap(({ services = [] }) => services)
		.filter(
			(name) => !folders.some((folder) => [name, `${name}.service`].some((file) => existsSync(join(folder, file)))),
		);
}

/**
 * @param {string} [osRelease] text of /etc/os-release
 * @returns {Family | undefined} undefined where package names are not known
 */
export function systemFamily(osRelease = readIfThere("/etc/os-release")) {
	const ids = [...osRelease.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].flatMap(
		([, value]) => value?.split(" ") ?? [],
	);
	if (ids.includes("debian") || ids.includes("ubuntu")) return "debian";
	if (ids.includes("fedora") || ids.includes("rhel")) return "fedora";
	return undefined;
}

/** @param {string} name */
function command(name) {
	return () => findCommand(name) !== undefined;
}

/** @param {string} file of a module that libvirtd loads */
function driver(file) {
	return () => hasLibrary(join("libvirt/connection-driver", file));
}

/** @param {string} file below one of the folders of libraries */
function hasLibrary(file) {
	const libraries = ["/usr/lib64", "/usr/lib", ...readdirSync("/usr/lib").map((entry) => join("/usr/lib", entry))];
	return libraries.some((folder) => existsSync(join(folder, file)));
}

/** Debian keeps the programs of each version in a folder of its own. */
function hasPostgres() {
	return command("postgres")() || existsSync("/usr/lib/postgresql");
}

/** The images hold nothing but busybox at first, so it may need no libraries: a dynamic one names its loader. */
function hasStaticBusybox() {
	const file = findCommand("busybox");
	return file !== undefined && !readFileSync(file).includes("/ld-linux");
}

/** @param {string} file */
function readIfThere(file) {
	return existsSync(file) ? readFileSync(file, "utf8") : "";
}
