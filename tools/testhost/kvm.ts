import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "../../provider/libvirt";
import { cacheDirectory } from "../cache";

/*
 * A program that does not say with which accelerator its machines run has a trial guest started under KVM in every run,
 * for seconds where that hangs. The first host after the machine's boot tries it for all others: where guests do not run
 * with it, they have no /dev/kvm, as on a machine without it.
 */

/** @returns what was found since the machine's boot, if anything was */
export function kvmWorks(): boolean | undefined {
	if (!existsSync("/dev/kvm")) return false;
	const found = existsSync(file()) ? readFileSync(file(), "utf8") : "";
	return found.startsWith(bootId()) ? found.endsWith("works") : undefined;
}

/** Tries it on a host that has it, as the provider does. @param uri the host's */
export async function tryKvm(uri: string): Promise<void> {
	const host = connect(uri);
	try {
		const works = await host.kvmUsable();
		mkdirSync(cacheDirectory(), { recursive: true });
		writeFileSync(file(), `${bootId()} ${works ? "works" : "fails"}`);
	} finally {
		await host.close();
	}
}

function bootId(): string {
	return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

function file(): string {
	return join(cacheDirectory(), "kvm");
}
