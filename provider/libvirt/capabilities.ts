/** What a host says about itself in its capabilities, and what a file system can do. */
import { randomBytes } from "node:crypto";
import { constants, promises as fs } from "node:fs";
import { join } from "node:path";
import { DOMParser, type Element } from "@xmldom/xmldom";

function root(capabilitiesXml: string): Element {
	const element = new DOMParser().parseFromString(capabilitiesXml, "text/xml").documentElement;
	if (element === null) throw new Error("the host's capabilities are no XML");
	return element;
}

function child(parent: Element | undefined, name: string): Element | undefined {
	return Array.from(parent?.childNodes ?? []).find((node) => node.nodeName === name) as Element | undefined;
}

/**
 * The part of the capabilities that is about the host itself. The rest, what guests can be, is many times as long, and most
 * questions are not about it.
 */
export function hostPart(capabilitiesXml: string): string {
	return /<host>.*?<\/host>/s.exec(capabilitiesXml)?.[0] ?? "<host/>";
}

/** The host's UUID in its capabilities XML; empty where the driver tells none. */
export function hostUuid(capabilitiesXml: string): string {
	return child(root(hostPart(capabilitiesXml)), "uuid")?.textContent ?? "";
}

/** The architecture of the host's CPUs: "x86_64". */
export function hostArch(capabilitiesXml: string): string {
	return child(child(root(hostPart(capabilitiesXml)), "cpu"), "arch")?.textContent ?? "";
}

/** The domain types ("qemu", "kvm") that the host offers for guests of an architecture. */
export function domainTypes(capabilitiesXml: string, arch: string): string[] {
	return Array.from(root(capabilitiesXml).getElementsByTagName("arch"))
		.filter((element) => element.getAttribute("name") === arch)
		.flatMap((element) => Array.from(element.getElementsByTagName("domain")))
		.map((domain) => domain.getAttribute("type") ?? "");
}

const NO_REFLINK = ["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "ENOTTY", "EINVAL", "EXDEV"];

/**
 * Whether files in a directory can share their blocks (XFS with reflink, btrfs, bcachefs...): a small file is cloned
 * there. Tells something only where this code runs on the machine that has the storage.
 * @throws what keeps files from being made there: no such directory, no permission, no space
 */
export async function reflinkSupported(directory: string): Promise<boolean> {
	const probe = join(directory, `.clones-reflink-${process.pid}-${randomBytes(4).toString("hex")}`);
	const copy = `${probe}-copy`;
	try {
		await fs.writeFile(probe, randomBytes(65536), { flag: "wx", mode: 0o600 });
		await fs.copyFile(probe, copy, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
		return true;
	} catch (error) {
		if (NO_REFLINK.includes((error as NodeJS.ErrnoException).code ?? "")) return false;
		throw error;
	} finally {
		await Promise.all([probe, copy].map((file) => fs.rm(file, { force: true })));
	}
}
