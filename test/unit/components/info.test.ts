import assert from "node:assert/strict";
import { infoFiles, infoSchema } from "../../../components/forked-vm-set/info";

describe("what a guest is told under names", () => {
	it("is a file for each name, for root alone", () => {
		const [file] = infoFiles({ licence: "A-117" });
		assert.deepEqual(file, { path: "/var/lib/pulumi-libvirt-clones/info/licence", content: "A-117", mode: "0600" });
	});

	for (const [name, allowed] of [
		["a b", /up to 64 letters/],
		["../passwd", /up to 64 letters/],
		["hostname", /names other than hostname/],
	] as const) {
		it(`is refused under the name ${name}`, () => {
			assert.match(JSON.stringify(infoSchema.safeParse({ [name]: "x" }).error?.issues), allowed);
		});
	}
});
