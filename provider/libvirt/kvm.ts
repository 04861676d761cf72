/**
 * Whether KVM is worth using. That /dev/kvm opens says little: nested virtualisation can be there and hang, or be so
 * slow that emulation is faster. So the same tiny guest (firmware, no disk) is started under KVM and under emulation
 * at the same time, and KVM has to be through with the firmware about as soon and for about as much processor time.
 * The emulated guest is the clock, as on a busy host both are slow; the processor time does not depend on what else
 * the host does, and a KVM that spends ten times as much is one that hangs later.
 */
import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallOptions, Host } from "./api";
import { domainTypes, hostArch } from "./capabilities";
import { DeadlineError, LibvirtError } from "./errors";

/** What KVM gets beyond the time that emulation took. */
const GRACE_MILLISECONDS = 1000;
/** How long KVM is waited for where there is no emulation to compare with. */
const ALONE_MILLISECONDS = 5000;
/** How much processor time KVM may take: so many times as much as emulation, and so many seconds. */
const PROCESSOR_FACTOR = 2;
const PROCESSOR_GRACE_SECONDS = 0.5;
const POLL_MILLISECONDS = 20;
const CALL_SECONDS = 5;
const START_SECONDS = 30;

/**
 * Whether guests of a domain type run, and about as fast as emulated ones. Starts two guests for about a second; they
 * are removed in any case, at the latest when the connection that made them ends.
 * @param type "kvm"; "qemu" compares emulation with itself, to test the probe
 */
export async function runsWell(host: Host, type: string, options?: CallOptions): Promise<boolean> {
	const capabilities = await host.capabilitiesXml(options);
	const arch = hostArch(capabilities);
	const types = domainTypes(capabilities, arch);
	if (!types.includes(type)) return false;
	const guests = [type, "qemu"].filter((each) => types.includes(each)).map((each) => new Probe(host, each, arch));
	const [probed, emulated] = guests;
	try {
		const failures = await Promise.all(guests.map((guest) => guest.start(options?.signal).catch((error) => error)));
		// Not even emulation runs: the host refuses guests for another reason, which says nothing about KVM.
		if (failures[0] !== undefined && (failures.length === 1 || failures[1] !== undefined)) throw failures[0];
		if (failures[0] !== undefined) return false;
		return await isSoonThrough(probed!, failures[1] === undefined ? emulated : undefined);
	} finally {
		await Promise.all(guests.map((guest) => guest.remove()));
	}
}

/** Both are asked all the time, each for itself: a guest that hangs keeps the one who looks at it waiting. */
async function isSoonThrough(probed: Probe, emulated: Probe | undefined): Promise<boolean> {
	const done = new AbortController();
	const begin = Date.now();
	const through = probed.through(begin + START_SECONDS * 1000, done.signal);
	// What becomes of it is asked below, or not at all.
	through.catch(() => undefined);
	try {
		if (!emulated) return (await Promise.race([through, passed(ALONE_MILLISECONDS)])) !== undefined;
		const emulation = await emulated.through(begin + START_SECONDS * 1000, done.signal);
		const took = Date.now() - begin;
		const kvm = await Promise.race([through, passed(Math.max(GRACE_MILLISECONDS, took))]);
		if (emulation === undefined || kvm === undefined) return kvm !== undefined;
		return kvm <= PROCESSOR_FACTOR * emulation + PROCESSOR_GRACE_SECONDS;
	} finally {
		done.abort();
	}
}

/** Keeps no process from ending. */
function passed(milliseconds: number): Promise<undefined> {
	return sleep(milliseconds, undefined, { ref: false });
}

class Probe {
	private readonly uuid = randomUUID();
	private begun = false;
	private atStart = "";

	constructor(
		private readonly host: Host,
		private readonly type: string,
		private readonly arch: string,
	) {}

	async start(signal: AbortSignal | undefined): Promise<void> {
		const options = { deadlineSeconds: START_SECONDS, ...(signal === undefined ? {} : { signal }) };
		this.begun = true;
		await this.host.domains.createTransient(this.xml(), { ...options, paused: true, autoDestroy: true });
		this.atStart = await this.registers();
		await this.host.domains.resume(this.uuid, options);
	}

	/** Resolves when the guest is through, with the seconds of processor time that it took; undefined when it is not. */
	async through(untilMilliseconds: number, signal: AbortSignal): Promise<number | undefined> {
		while (Date.now() < untilMilliseconds && !signal.aborted) {
			try {
				if (await this.isThrough()) return await this.host.domains.processorSeconds(this.uuid);
			} catch (error) {
				// A guest that cannot be stopped to look at its registers, or that QEMU has given up.
				if (!(error instanceof DeadlineError || error instanceof LibvirtError)) throw error;
			}
			await sleep(POLL_MILLISECONDS);
		}
		return undefined;
	}

	async remove(): Promise<void> {
		if (!this.begun) return;
		await this.host.domains.destroy(this.uuid).catch((error: unknown) => {
			// It is gone, was never there, or hangs in the kernel: then libvirt ends it with the connection.
			if (!(error instanceof LibvirtError)) throw error;
		});
	}

	/**
	 * On x86 the firmware ends in a halt, as there is nothing to boot. Elsewhere there is no firmware by default: the
	 * program counter has to have moved.
	 */
	private async isThrough(): Promise<boolean> {
		const registers = await this.registers();
		return this.isX86 ? /\bHLT=1\b/.test(registers) : registers !== this.atStart;
	}

	private async registers(): Promise<string> {
		const command = { "command-line": "info registers" };
		return this.host.domains.qmp(this.uuid, "human-monitor-command", command, { deadlineSeconds: CALL_SECONDS });
	}

	private get isX86(): boolean {
		return this.arch === "x86_64" || this.arch === "i686";
	}

	/** Nothing in it comes from a user. */
	private xml(): string {
		const name = `clones-probe-${this.type}-${randomBytes(4).toString("hex")}`;
		// Without it libvirt 9.0 gives QEMU an option that QEMU 9.0 does not know any more.
		const features = this.isX86 ? "<features><acpi/></features>" : "";
		return `<domain type="${this.type}">
			<name>${name}</name>
			<uuid>${this.uuid}</uuid>
			<memory unit="MiB">32</memory>
			<vcpu>1</vcpu>
			<os><type arch="${this.arch}">hvm</type></os>${features}
			<on_reboot>destroy</on_reboot>
			<devices><controller type="usb" model="none"/><memballoon model="none"/></devices>
		</domain>`;
	}
}
