import assert from "node:assert/strict";
import { optionsOf } from "../../../provider/morph/options";
import { type Given, shape } from "./given";

const types = {
	small: { vcpus: 1, memoryMiB: 128 },
	same: { vcpus: 2, memoryMiB: 256 },
	large: { vcpus: 4, memoryMiB: 1024 },
	huge: { vcpus: 8, memoryMiB: 1024 },
};
const machine = (name: string, given: Partial<Given> = {}) => {
	const running = shape(given);
	return { name, running, memoryMiB: running.memory.presentMiB };
};
const off = (name: string) => ({ name, running: undefined, memoryMiB: 256 });
const modes = (...given: Parameters<typeof optionsOf>) =>
	Object.fromEntries(optionsOf(...given).map(({ type, mode }) => [type, mode]));

describe("options of a change of size", () => {
	it("are what each type needs of a machine", () => {
		const options = optionsOf([machine("web")], types, undefined);
		assert.deepEqual(
			options.map(({ type, size, mode }) => [type, size, mode]),
			[
				["small", types.small, "live"],
				["same", types.same, "none"],
				["large", types.large, "live"],
				["huge", types.huge, "reboot"],
			],
		);
		assert.deepEqual(options[3]!.reasons, [
			{ machine: "web", reason: "8 vCPUs are beyond the 4 that it was started with room for" },
		]);
	});

	it("are those of a set that all of its machines have, and name the one that has not", () => {
		const set = [machine("web-0"), machine("web-1", { agent: false }), machine("web-2", { max: 2 })];
		assert.deepEqual(modes(set, types, undefined), { small: "reboot", same: "none", large: "reboot", huge: "reboot" });
		const [small, , large] = optionsOf(set, types, undefined);
		assert.deepEqual(
			small!.reasons.map((one) => one.machine),
			["web-1"],
		);
		assert.deepEqual(
			large!.reasons.map((one) => one.machine),
			["web-2"],
		);
	});

	it("are to be saved for one that writes too fast to go to another host while it runs", () => {
		const reason = "it changes 80 MiB/s of its memory, and 32 are sent";
		const writes = { ...machine("web-1"), obstacles: [{ mode: "save-restore" as const, reason }] };
		const options = optionsOf([{ ...machine("web-0"), obstacles: [] }, writes], types, undefined);
		assert.deepEqual(
			options.map(({ mode }) => mode),
			["save-restore", "save-restore", "save-restore", "reboot"],
		);
		assert.deepEqual(options[1]!.reasons, [{ machine: "web-1", reason }]);
	});

	it("come to a machine that is off with its next start", () => {
		const options = optionsOf([off("web")], types, 0);
		assert.deepEqual(new Set(options.map(({ mode }) => mode)), new Set(["start"]));
		assert.deepEqual(options[0]!.reasons, [{ machine: "web", reason: "it is off, with 256 MiB" }]);
		assert.equal(modes([off("web-0"), machine("web-1")], types, undefined).large, "start");
	});

	it("end where the host has no memory for all of them together", () => {
		const set = [machine("web-0"), machine("web-1")];
		assert.equal(modes(set, types, 1536).large, "live");
		const large = optionsOf(set, types, 1535)[2]!;
		assert.equal(large.mode, "impossible");
		assert.deepEqual(large.reasons, [{ reason: "the host has 1535 MiB for 1536 MiB more" }]);
		assert.equal(modes(set, types, 0).small, "live", "what is given back needs none");
	});
});
