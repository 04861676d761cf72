/** What the tests of the binding share: libvirt's test driver, and calls that misbehave on purpose. */
import { connect, type Host } from "../../provider/libvirt";
import type { MethodSpec } from "../../provider/libvirt/methods";

/** A fresh copy of libvirt's built-in test host, in the memory of one worker process. */
export const TEST_URI = "test:///default";
export const TEST_DOMAIN = "6695eb01-f6a4-8304-79aa-97f2502e193f";

/** Runs a call of worker/trial.ts, which exist while `CLONES_LIBVIRT_TRIAL` is 1. */
export function trial(host: Host, name: string, parameter?: unknown, options: object = {}): Promise<unknown> {
	const { run } = host as Host & { run(name: string, spec: MethodSpec, parameters: unknown[]): Promise<unknown> };
	return run.call(host, `trial.${name}`, { parameters: 1 }, [parameter, options]);
}

/** For the time of a test file: workers know the calls of worker/trial.ts. */
export function withTrialCalls(): void {
	before(() => {
		process.env.CLONES_LIBVIRT_TRIAL = "1";
	});
	after(() => {
		delete process.env.CLONES_LIBVIRT_TRIAL;
	});
}

/** Connects anew for every test, so that each begins with an untouched test host. */
export function freshHost(uri = TEST_URI): () => Host {
	let host: Host;
	beforeEach(() => {
		host = connect(uri);
	});
	afterEach(() => host.close());
	return () => host;
}

/** For the test driver. */
export function domainXml(name: string, uuid?: string): string {
	const identity = uuid === undefined ? "" : `<uuid>${uuid}</uuid>`;
	return `<domain type="test"><name>${name}</name>${identity}<memory unit="MiB">64</memory><vcpu>1</vcpu>
		<os><type arch="i686">hvm</type></os></domain>`;
}

/** For QEMU: nothing but firmware, emulated. */
export function guestXml(name: string, devices = ""): string {
	return `<domain type="qemu"><name>${name}</name><memory unit="MiB">32</memory><vcpu>1</vcpu>
		<os><type arch="x86_64" machine="q35">hvm</type></os>
		<devices><controller type="usb" model="none"/><memballoon model="none"/>${devices}</devices></domain>`;
}
