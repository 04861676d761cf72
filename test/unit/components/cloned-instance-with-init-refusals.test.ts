import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { ClonedInstanceWithInit, type ClonedInstanceWithInitArgs } from "../../../index";
import { good, hello } from "./init-arguments";
import { registeredBy } from "./mocks";

const STATE = { withState: true } as const;
const desk = { name: "desk", content: "#ps1\n", onlyOn: { os: "windows" } };

describe("ClonedInstanceWithInit refuses", () => {
	const causes: Array<[what: string, given: object, complaint: RegExp]> = [
		["what becomes of a volume", { afterClone: "stopSource" }, /afterClone: is given, and source is a volume/],
		[
			"credentials for a volume",
			{ elevatedCredentials: { uri: "test:///a" } },
			/elevatedCredentials: is given, and source is a volume/,
		],
		[
			"no credentials",
			{ source: { domain: "x" }, elevatedCredentials: {} },
			/elevatedCredentials: got neither uri nor authFile/,
		],
		[
			"what is to be done about a busy source, when that is known later",
			{ source: { domain: "x" }, whenSourceBusy: { action: pulumi.output("wait") } },
			/whenSourceBusy\.action: got an output/,
		],
		[
			"other scripts for a source on which clones stand",
			{ injectInto: "source", onScriptChange: "rerun" },
			/injectInto: got "source" with onScriptChange "rerun"/,
		],
		[
			"a machine to be started for scripts that are not put into it",
			{ source: { domain: "x" }, whenSourceBusy: { action: "powerOn" } },
			/whenSourceBusy\.action: got "powerOn" with injectInto "image", for which a source that is off stays off/,
		],
		[
			"scripts in a source for several hosts",
			{ injectInto: "source", hosts: [{ uri: "test:///a" }] },
			/injectInto: got "source" with hosts/,
		],
		[
			"a wait for scripts of Windows",
			{ init: [desk] },
			/timeoutSeconds: got none with scripts for windows; allowed is 0/,
		],
		[
			"scripts of Windows in a seed",
			{ init: [desk], timeoutSeconds: 0, injectInto: "seed" },
			/injectInto: got "seed" with scripts for windows/,
		],
		["clones of Windows that do not boot", { ...STATE, init: [desk] }, /withState: got true with scripts for windows/],
		[
			"scripts for Windows that are run again",
			{ init: [desk], timeoutSeconds: 0, onScriptChange: "rerun" },
			/onScriptChange: got "rerun" with scripts for windows/,
		],
		[
			"a script of the library for Windows",
			{ init: [{ library: "hostname", with: { name: "a{instance}" }, onlyOn: { os: "windows" } }], timeoutSeconds: 0 },
			/hostname: library: is given with onlyOn\.os windows/,
		],
		[
			"credentials to take a state",
			{ ...STATE, source: { domain: "x" }, elevatedCredentials: { uri: "test:///a" } },
			/elevatedCredentials: is given with withState/,
		],
		[
			"hardware that a machine has not",
			{ ...STATE, source: { domain: "x" }, domain: { vcpus: 2 } },
			/domain: got vcpus with withState, and the clones have the hardware of what they go on from/,
		],
		["a fork point that is booted", { source: { forkPoint: "x" } }, /source: got a fork point without withState: true/],
		["several hosts that go on", { ...STATE, hosts: [{ uri: "test:///a" }] }, /hosts: is given with withState/],
		["a busy machine to go on as", { ...STATE, whenSourceBusy: {} }, /whenSourceBusy: is given with withState/],
		[
			"scripts in the source of what goes on",
			{ ...STATE, injectInto: "source" },
			/injectInto: got "source" with withState/,
		],
		["a NIC that waits for nothing", { ...STATE, timeoutSeconds: 0 }, /timeoutSeconds: got 0 with withState/],
		[
			"hardware that has to boot",
			{ ...STATE, domain: { smbios: { serial: "x" } } },
			/domain: got smbios with withState, and it has no part in a machine that does not boot/,
		],
		[
			"hardware that a fork point has not",
			{ ...STATE, source: { forkPoint: "x" }, domain: { memoryMiB: 64 } },
			/domain: got memoryMiB with withState, and the clones have the hardware of what they go on from/,
		],
		["a TPM's state", { ...STATE, identifier: "tpm" }, /identifier: got "tpm" with withState/],
		[
			"a TPM's state for a script",
			{ ...STATE, customize: [{ ...hello, identifier: ["tpm"] }] },
			/customize: identifier of \[0\]: got "tpm" with withState/,
		],
		[
			"an address before the NIC",
			{ ...STATE, init: [{ library: "static-address", with: { address: "10.0.0.{10 + instance}/24" } }] },
			/init: got static-address \(\[0\]\) in the stage early with withState/,
		],
		[
			"an id that is not told",
			{ ...STATE, parameters: { hostname: 'web-{id("serial")}' } },
			/parameters: got id\("serial"\) with withState, .* allowed are mac 0, uuid: name it in identifier/,
		],
		[
			"clones of a seed that are made anew",
			{ injectInto: "seed", onScriptChange: "replace" },
			/injectInto: got "seed" with onScriptChange "replace"/,
		],
		[
			"to remove what is on a seed",
			{ injectInto: "seed", afterwards: "remove" },
			/injectInto: got "seed" with afterwards "remove"/,
		],
		["a host twice", { hosts: [{ uri: "test:///a" }, { uri: "test:///a" }] }, /hosts: got test:\/\/\/a twice/],
		[
			"a host that is known later",
			{ hosts: [{ uri: pulumi.output("test:///a") }] },
			/hosts: got an output as uri of \[0\]/,
		],
		[
			"hosts beside an address that is known later",
			{ uri: pulumi.output("test:///a"), hosts: [{ uri: "test:///a" }] },
			/uri: got an output with hosts/,
		],
		[
			"a network of a host alone",
			{ network: undefined, hosts: [{ uri: "test:///a", network: "lab" }] },
			/hosts: got a network for \[0\] without network/,
		],
		[
			"a source where the source is",
			{ uri: "test:///a", hosts: [{ uri: "test:///a", source: "/x" }] },
			/hosts\[0\]\.source: is given for the host of the source itself/,
		],
		["a place without hosts", { placement: { "0": "test:///a" } }, /placement: is given without hosts/],
		[
			"a place that is none of the hosts",
			{ hosts: [{ uri: "test:///a" }], placement: { "0": "test:///b" } },
			/placement: got test:\/\/\/b for 0; allowed are the URIs of hosts: test:\/\/\/a/,
		],
		[
			"a place of none of the clones",
			{ hosts: [{ uri: "test:///a" }], placement: { db: "test:///a" } },
			/placement: got "db", which is none of the clones/,
		],
		["no clones", { count: undefined }, /count: got neither count nor instances/],
		["a name twice", { instances: ["db", "db"] }, /instances: got "db" twice/],
		["a name that a number has", { instances: ["1"] }, /instances: got "1" twice/],
		[
			"a number twice",
			{ instances: { a: { instanceId: 7 }, b: { instanceId: 7 } } },
			/instanceId 7 for web-a and web-b/,
		],
		["a path without a pool", { pool: undefined }, /pool: is required where source is not a volume resource/],
		["a range that ends before it begins", { instanceIds: { from: 9, to: 3 } }, /instanceIds: got 9 to 3/],
		[
			"too few numbers",
			{ instanceIds: { from: 9, to: 9 } },
			/instanceIds: got 9 to 9, in which web-1 \(10\) has no place/,
		],
		[
			"a number outside of the range",
			{ instanceIds: { from: 0, to: 5 }, instances: { a: { instanceId: 9 } } },
			/web-a \(9\) has no place/,
		],
		["an identifier that there is not", { identifier: "hostname" }, /identifier: got "hostname"; allowed are/],
		[
			"the MAC address of a NIC that there is not",
			{ identifier: "mac 1" },
			/identifier: got "mac 1", and the clones have one NIC/,
		],
		[
			"the MAC address of a machine without a NIC",
			{ network: undefined, identifier: "mac" },
			/and the clones have no NIC/,
		],
		["a disk that there is not", { identifier: "disk-serial 1" }, /allowed is disk-serial 0/],
		[
			"the same in a script",
			{ init: [{ ...hello, identifier: "disk-serial 1" }] },
			/init: identifier of \[0\]: got "disk-serial 1"/,
		],
		[
			"a disk serial that is too long",
			{ identifier: "disk-serial", namePrefix: "a-name-that-is-too-long" },
			/allowed are serials of at most 20 bytes/,
		],
		["what to do about a busy volume", { whenSourceBusy: {} }, /whenSourceBusy: is given, and source is a volume/],
		[
			"a server that is none of the clones",
			{ relations: { server: "db" } },
			/relations\.server: got "db".*allowed are 0 to 1/,
		],
		[
			"clients that wait for what nobody waits for",
			{ relations: { clientsWait: true }, timeoutSeconds: 0 },
			/relations\.clientsWait: got true with timeoutSeconds 0/,
		],
		["no agent that could tell", { domain: { agent: false } }, /domain\.agent: got false/],
		["a script that is nowhere", { init: [{ name: "x" }] }, /init\[0\]: got none of library, content and file/],
		[
			"a script that is in two places",
			{ init: [{ ...hello, library: "hostname" }] },
			/init\[0\]: got library and content/,
		],
		[
			"a script of its own without a name",
			{ init: [{ content: hello.content }] },
			/init\[0\]\.name: is required with content/,
		],
		[
			"settings of a script of its own",
			{ init: [{ ...hello, with: { a: "b" } }] },
			/init\[0\]\.with: got settings with content/,
		],
		[
			"two scripts of a name",
			{ init: [hello], cleanup: [hello] },
			/cleanup\[0\]\.name: got "hello", which is the name of init\[0\]/,
		],
		[
			"a script that the library does not have",
			{ init: [{ library: "hostnam" }] },
			/init\[0\]\.library: got "hostnam".*did you mean "hostname"/,
		],
		[
			"a setting that there is not",
			{ init: [{ library: "hostname", with: { nam: "a" } }] },
			/init\[0\]\.with\.nam: there is no such property/,
		],
		["a setting that is missing", { init: [{ library: "hostname" }] }, /init\[0\]\.with\.name: is required/],
		[
			"a setting of a wrong form",
			{ init: [{ library: "hostname", with: { name: "a_b" } }] },
			/init\[0\]\.with\.name: got "a_b"/,
		],
		[
			"a setting by a parameter that there is not",
			{ init: [{ library: "hostname", with: { name: { parameter: "host" } } }] },
			/init\[0\]\.with\.name: got the parameter "host"; allowed are hostname/,
		],
		[
			"a parameter of a setting's name",
			{ parameters: { hostname: "a-{instance}", "hostname-name": "b" } },
			/parameters\.hostname-name: got a parameter of the name/,
		],
		[
			"a file that is not there",
			{ init: [{ name: "x", file: "/nonexistent/x.sh" }] },
			/file: got \/nonexistent\/x\.sh: ENOENT/,
		],
		["a script without an interpreter", { init: [{ name: "x", content: "echo" }] }, /first line names its interpreter/],
		[
			"a script that is too large",
			{ init: [{ name: "x", content: `#!/bin/sh\n${"x".repeat(300_000)}` }] },
			/at most 256 KiB/,
		],
		[
			"two times for a script",
			{ init: [{ ...hello, when: { everyBoot: true, firstLogin: true } }] },
			/allowed is one of everyBoot/,
		],
		[
			"an argument that is no parameter",
			{ init: [{ ...hello, arguments: ["host"] }] },
			/arguments: got "host"; allowed are names of parameters/,
		],
		["a place after no script", { customize: [{ ...hello, after: "x" }] }, /after: got "x"/],
		["a place after itself", { customize: [{ ...hello, after: "hello" }] }, /in a circle/],
		["an order of another kind of script", { init: [{ ...hello, after: "hello" }] }, /for customize only/],
		[
			"the removal of what is to run later",
			{ init: [{ ...hello, when: { dailyAt: "03:00" } }], afterwards: "remove" },
			/afterwards: got "remove", and hello runs daily 03:00/,
		],
		[
			"a parameter with a name that is reserved",
			{ parameters: { id: "a" } },
			/parameters\.id|allowed are other names than id/,
		],
		[
			"an expression that is none",
			{ parameters: { hostname: "web-{instance +}" } },
			/parameters\.hostname: got "web-\{instance \+\}"/,
		],
		[
			"ranges that overlap",
			{
				parameters: {
					hostname: {
						ranges: [
							{ from: 0, to: 5, value: "a" },
							{ from: 5, to: 9, value: "b" },
						],
					},
				},
			},
			/parameters\.hostname\.ranges\[/,
		],
		[
			"a clone in no row of a table",
			{ parameters: { hostname: { table: { "0": "a" } } } },
			/parameters\.hostname: of web-1: /,
		],
		[
			"a host name twice",
			{ parameters: { hostname: "web" } },
			/parameters\.hostname: comes to "web" for web-0 and web-1/,
		],
		["a division by zero", { parameters: { hostname: "web-{1 / instance}" } }, /parameters\.hostname: of web-0: /],
		["a component's own hardware", { domain: { uuid: "3c5b" } }, /domain\.uuid: there is no such property/],
	];
	for (const [what, given, complaint] of causes) {
		it(what, async () => {
			let message = "";
			const registered = await registeredBy(() => {
				try {
					new ClonedInstanceWithInit("web", { ...good, ...given } as ClonedInstanceWithInitArgs);
				} catch (error) {
					({ message } = error as Error);
				}
			});
			assert.match(message, /^ClonedInstanceWithInit web: /);
			assert.match(message, complaint);
			assert.deepEqual(
				registered.filter(({ type }) => !type.endsWith(":ClonedInstanceWithInit")),
				[],
			);
		});
	}
});
