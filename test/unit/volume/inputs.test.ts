import * as assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../../provider/lifecycle";
import { validate } from "../../../provider/problems";
import { probeImage } from "../../../provider/volume/image-format";
import { volume } from "../../../provider/volume/lifecycle";
import { resolve } from "../../../provider/volume/resolve";
import type { VolumeInputs } from "../../../provider/volume/schema";

const common = { uri: "test:///default", ownerId: "o/p/s/v", pool: "pool", name: "v" };

function complaints(more: Record<string, unknown>): string[] {
	const { problems } = validate(volume.schema, { ...common, ...more }, volume.rules, volume.sensitive);
	return problems.map(({ property, message }) => `${property}: ${message}`);
}

describe("inputs of a volume", () => {
	it("are accepted as documented", () => {
		const good: Array<Record<string, unknown>> = [
			{ sizeMiB: 1 },
			{ source: { file: "x.qcow2" } },
			{ source: { url: "https://a/b", sha256: "a".repeat(64) }, sizeMiB: 10 },
			{ source: { cloudInit: { hostname: "a" } }, format: "raw" },
			{ base: "/a", cloning: "reflink", baseContentId: "sha256:1" },
			{ baseDomain: "a", onBaseChange: "keep" },
		];
		for (const inputs of good) assert.deepEqual(complaints(inputs), [], JSON.stringify(inputs));
	});

	it("are refused with the value got and what is allowed", () => {
		const hash = "a".repeat(64);
		const bad: Array<[Record<string, unknown>, RegExp]> = [
			[{}, /^sizeMiB: is missing; give an empty volume its size/],
			[{ source: {} }, /^source: got none of them; allowed is exactly one of file, url, cloudInit and archive/],
			[{ source: { file: "a", url: "https://a", sha256: hash } }, /^source: got file and url;/],
			[{ source: { url: "https://a/b" } }, /^source\.sha256: is missing; a url needs the SHA-256/],
			[{ source: { url: "http://a/b", sha256: hash } }, /^source\.url: .*allowed is an https URL/],
			[
				{ source: { cloudInit: {}, sha256: hash }, format: "raw" },
				/^source\.sha256: cannot be given together with cloudInit/,
			],
			[{ source: { cloudInit: {} } }, /^source\.cloudInit: got format "qcow2" with it; allowed is "raw"/],
			[{ source: { cloudInit: {} }, format: "raw", sizeMiB: 1 }, /^source\.cloudInit: got sizeMiB 1 with it/],
			[
				{
					source: { cloudInit: { userData: "MIME-Version: 1.0\n\nx", files: [{ path: "/a", content: "" }] } },
					format: "raw",
				},
				/^source\.cloudInit: has files and a userData that is a MIME message/,
			],
			[{ base: "/a", baseDomain: "b" }, /^base: got base and baseDomain; allowed is at most one/],
			[{ base: "/a", source: { file: "b" } }, /^base: got source and base;/],
			[{ sizeMiB: 1, cloning: "copy" }, /^cloning: got "copy" without a base/],
			[{ base: "/a", format: "raw", cloning: "overlay" }, /^cloning: got "overlay" with format "raw"/],
			[{ sizeMiB: 1, baseContentId: "x" }, /^baseContentId: got "x" without a base/],
		];
		for (const [inputs, expected] of bad) {
			const got = complaints(inputs);
			assert.equal(got.length, 1, `${JSON.stringify(inputs)}: ${got.join("\n")}`);
			assert.match(got[0]!, expected);
		}
	});

	it("that may be secret are not repeated", () => {
		const secret = "s3cr3t";
		const got = complaints({ source: { cloudInit: { userData: 5, hostname: `-${secret}` } }, format: "raw" }).join(
			"\n",
		);
		assert.match(got, /source\.cloudInit\.hostname/);
		assert.ok(!got.includes(secret), got);
	});

	describe("that name a file", () => {
		let folder: string;
		beforeEach(() => {
			folder = mkdtempSync(join(tmpdir(), "volume-inputs-"));
		});
		afterEach(() => rmSync(folder, { recursive: true }));

		const inputs = (file: string, more: object = {}): VolumeInputs => {
			const given = { ...common, format: "raw", source: { file }, ...more };
			return validate(volume.schema, given, volume.rules).inputs;
		};

		it("get the hash of its content, read again only when it changes", async () => {
			const file = join(folder, "image.raw");
			const hash = (text: string) => createHash("sha256").update(text).digest("hex");
			writeFileSync(file, "one");
			utimesSync(file, 1000, 1000);
			assert.equal((await resolve(inputs(file))).source?.sha256, hash("one"));
			assert.equal((await resolve(inputs(file))).source?.sha256, hash("one"));
			writeFileSync(file, "two");
			assert.equal((await resolve(inputs(file))).source?.sha256, hash("two"));
			utimesSync(file, 1000, 1000);
			writeFileSync(file, "six");
			utimesSync(file, 1000, 1000);
			assert.equal((await resolve(inputs(file))).source?.sha256, hash("six"), "same length and time of change");
		});

		it("are refused when the hash is not the file's", async () => {
			const file = join(folder, "image.raw");
			writeFileSync(file, "one");
			await assert.rejects(
				resolve(inputs(file, { source: { file, sha256: "0".repeat(64) } })),
				(error: InputError) => error instanceof InputError && error.property === "source.sha256",
			);
		});

		it("tell formats by their first bytes", async () => {
			const cases: Array<[string, string]> = [
				["", "raw"],
				["00", "raw"],
				["4b444d5601", "vmdk"],
				["7668647866696c65", "vhdx"],
				["fd377a585a00", "xz"],
				["28b52ffd", "zstd"],
				["514649fb", "raw"],
			];
			for (const [hex, format] of cases) {
				const file = join(folder, "some");
				writeFileSync(file, Buffer.from(hex, "hex"));
				assert.equal((await probeImage(file)).format, format, hex);
			}
		});
	});
});
