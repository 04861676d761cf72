import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { Domain, type DomainArgs, InstanceTypes } from "../../../index";
import { registeredBy } from "../components/mocks";

const WATCHDOG = '<watchdog model="i6300esb"><alias name="ua-watchdog"/></watchdog>';
const TABLET = '<domain><devices><input type="tablet" bus="usb"><alias name="ua-tablet"/></input></devices></domain>';
const types = new InstanceTypes({
	web: { vcpus: 1, memoryMiB: 512 },
	"web-storage": { vcpus: 2, memoryMiB: 1024, nics: [{ network: "storage" }], devices: [WATCHDOG] },
});

async function registered(args: DomainArgs): Promise<Record<string, unknown>> {
	const all = await registeredBy(() => new Domain("web", args));
	return all.find(({ type }) => type.endsWith(":Domain"))!.inputs;
}

describe("what an instance type gives a machine beside its size", () => {
	it("comes after what is its own", async () => {
		const { instanceType, nics, extraXml } = await registered({
			instanceType: types.of("web-storage"),
			nics: [{ network: "front" }],
			extraXml: TABLET,
		});
		assert.deepEqual(instanceType, { vcpus: 2, memoryMiB: 1024 });
		assert.deepEqual(nics, [{ network: "front" }, { network: "storage" }]);
		assert.match(String(extraXml), /ua-tablet.*ua-watchdog/s);
	});

	it("is a CPU, where the machine does not say it itself", async () => {
		const cpu = { model: "Nehalem", features: { aes: "require" as const } };
		const { newer } = new InstanceTypes({ newer: { vcpus: 4, memoryMiB: 512, cpu } }).all;
		const instanceType = newer!;
		for (const [own, expected] of [
			[undefined, cpu],
			[{ cores: 2 }, { ...cpu, cores: 2 }],
			[pulumi.output({ cores: 2 }), { ...cpu, cores: 2 }],
			[Promise.resolve({ cores: 2 }), { ...cpu, cores: 2 }],
			[{ mode: "maximum" }, { mode: "maximum" }],
			[
				{ model: "EPYC", cores: 2 },
				{ model: "EPYC", cores: 2 },
			],
		] as Array<[DomainArgs["cpu"], object]>) {
			const inputs = await registered({ instanceType, ...(own && { cpu: own }) });
			assert.deepEqual([inputs.instanceType, inputs.cpu], [{ vcpus: 4, memoryMiB: 512 }, expected]);
		}
	});

	it("is there for a machine that has nothing of its own, and of a type that is known later", async () => {
		for (const instanceType of [types.of("web-storage"), pulumi.output(types.of("web-storage"))]) {
			const inputs = await registered({ instanceType });
			assert.deepEqual(inputs.instanceType, { vcpus: 2, memoryMiB: 1024 });
			assert.deepEqual(inputs.nics, [{ network: "storage" }]);
			assert.equal(inputs.extraXml, `<domain><devices>${WATCHDOG}</devices></domain>`);
		}
	});

	it("is nothing where it has only a size, or is one of the built-in ones", async () => {
		for (const instanceType of [types.of("web"), "small", pulumi.output("small" as const)] as const) {
			const { nics, extraXml } = await registered({ instanceType, nics: [{ network: "front" }] });
			assert.deepEqual([nics, extraXml], [[{ network: "front" }], undefined]);
		}
	});

	const bad: Array<[object, RegExp]> = [
		[{ nics: [{ network: "a", mac: "52:54:00:00:00:01" }] }, /web\.nics\[0\]\.mac: there is no such property/],
		[{ nics: [{ network: "a", model: "ne2k" }] }, /web\.nics\[0\]\.model: got "ne2k"/],
		[{ cpu: { model: "qemu 64" } }, /web\.cpu\.model: got "qemu 64"/],
		[{ cpu: { model: "qemu64", cores: 2 } }, /web\.cpu\.cores: there is no such property/],
		[{ nics: "storage" }, /web\.nics: got "storage"/],
		[{ devices: ["<watchdog"] }, /web\.devices\[0\]: got "<watchdog"; allowed is one element as in <devices>/],
		[{ devices: ["<watchdog/>"] }, /web\.devices\[0\]: .*alias that begins with ua-/],
		[{ devices: [`${WATCHDOG}${WATCHDOG}`] }, /web\.devices\[0\]: .*allowed is one element/],
		[{ devices: [7] }, /web\.devices\[0\]: got 7/],
	];
	for (const [more, message] of bad) {
		it(`is refused with ${JSON.stringify(more)}`, () => {
			assert.throws(() => new InstanceTypes({ web: { vcpus: 1, memoryMiB: 512, ...more } as never }), message);
		});
	}
});
