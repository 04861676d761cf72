import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { newHostKeys } from "../../../provider/identity/host-keys";
import { newSealing, sealerOf } from "../../../provider/identity/sealing";

const run = promisify(execFile);
const key = () => ({ key: randomBytes(32).toString("base64") });

describe("secrets of identities", () => {
	it("are opened by the key that sealed them, for the same pool and name only", async () => {
		const source = key();
		const settings = await newSealing(source, "web");
		const sealer = await sealerOf(source, "web", settings);
		const sealed = sealer.seal("web-1", { password: "hunter2" });
		assert.ok(!sealed.includes("hunter2"));
		assert.notDeepEqual(sealer.seal("web-1", { password: "hunter2" }), sealed);
		assert.deepEqual((await sealerOf(source, "web", settings)).open("WEB-1", sealed), { password: "hunter2" });
		assert.throws(() => sealer.open("web-2", sealed), /secrets of identity web-2 of pool web cannot be opened/);
		const other = await sealerOf(source, "db", await newSealing(source, "db"));
		assert.throws(() => other.open("web-1", sealed), /secrets of identity web-1 of pool db cannot be opened/);
	});

	it("are not opened when a single bit of them was changed, or a part is missing", async () => {
		const source = key();
		const sealer = await sealerOf(source, "web", await newSealing(source, "web"));
		const sealed = sealer.seal("web-1", { password: "hunter2" });
		for (let index = 0; index < sealed.length; index++) {
			const changed = Buffer.from(sealed);
			changed[index]! ^= 1 << (index % 8);
			assert.throws(() => sealer.open("web-1", changed), /cannot be opened/);
			assert.throws(() => sealer.open("web-1", sealed.subarray(0, index)), /cannot be opened/);
		}
	});

	it("are opened by the passphrase too, however its letters are put together", async () => {
		const settings = await newSealing({ passphrase: "Schlüssel zum Pool" }, "web");
		const sealer = await sealerOf({ passphrase: "Schlu\u0308ssel zum Pool" }, "web", settings);
		assert.deepEqual(sealer.open("a", sealer.seal("a", 1)), 1);
		await assert.rejects(
			sealerOf({ passphrase: "Schlussel zum Pool" }, "web", settings),
			/^InputError: is not the one that pool web was made with/,
		);
	});

	it("ask for the pool's own key, without showing any", async () => {
		const settings = await newSealing(key(), "web");
		await assert.rejects(sealerOf(key(), "web", settings), /^InputError: is not the one that pool web was made with/);
		for (const bad of ["", "c2hvcnQ=", randomBytes(33).toString("base64"), randomBytes(32).toString("hex")]) {
			await assert.rejects(
				newSealing({ key: bad }, "web"),
				/^InputError: got a value that is not shown; allowed are 32 bytes/,
			);
		}
		await assert.rejects(
			newSealing({ passphrase: "short" }, "web"),
			/^InputError: got 5 characters; allowed are 12 and up/,
		);
	});
});

describe("ssh host keys of identities", () => {
	it("are read by OpenSSH itself, which finds the same public keys", async () => {
		const folder = await mkdtemp(join(tmpdir(), "clones-keys-"));
		try {
			// Some have zeros in front or the highest bit set, which are written in another way.
			for (let round = 0; round < 12; round++) {
				for (const { type, privateKey, publicKey } of await newHostKeys(`web-${round}`)) {
					const file = join(folder, `${type}-${round}`);
					await writeFile(file, privateKey, { mode: 0o600 });
					const { stdout } = await run("ssh-keygen", ["-y", "-f", file]);
					assert.equal(stdout, publicKey);
					// Signing uses the private part.
					await writeFile(`${file}.text`, "text");
					await run("ssh-keygen", ["-Y", "sign", "-q", "-n", "test", "-f", file, `${file}.text`]);
					await writeFile(`${file}.signers`, `web ${publicKey}`);
					const verify = ["-Y", "check-novalidate", "-n", "test", "-s", `${file}.text.sig`];
					assert.match(await withInput("ssh-keygen", verify, "text"), /^Good "test" signature/);
				}
			}
		} finally {
			await rm(folder, { recursive: true, force: true });
		}
	});
});

function withInput(command: string, args: string[], input: string): Promise<string> {
	return new Promise((resolve, reject) => {
		const child = execFile(command, args, (error, stdout, stderr) =>
			error ? reject(new Error(`${error.message}: ${stderr}`)) : resolve(stdout),
		);
		child.stdin!.end(input);
	});
}
