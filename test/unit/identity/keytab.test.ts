import * as assert from "node:assert/strict";
import { aesKey } from "../../../provider/identity/directory/kerberos-key";
import { computerSalt } from "../../../provider/identity/directory/keytab";

describe("keys of passwords", () => {
	// RFC 3962, appendix B.
	const clef = "\u{1d11e}";
	for (const [iterations, password, salt, key128, key256] of [
		[
			1,
			"password",
			"ATHENA.MIT.EDUraeburn",
			"42263c6e89f4fc28b8df68ee09799f15",
			"fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161",
		],
		[
			1200,
			"password",
			"ATHENA.MIT.EDUraeburn",
			"4c01cd46d632d01e6dbe230a01ed642a",
			"55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a",
		],
		[
			1200,
			"X".repeat(65),
			"pass phrase exceeds block size",
			"cb8005dc5f90179a7f02104c0018751d",
			"d78c5c9cb872a8c9dad4697f0bb5b2d21496c82beb2caeda2112fceea057401b",
		],
		[
			50,
			clef,
			"EXAMPLE.COMpianist",
			"f149c1f2e154a73452d43e7fe62a56e5",
			"4b6d9839f84406df1f09cc166db4b83c571848b784a3d6bdc346589a3e393f9e",
		],
	] as const) {
		it(`are those of RFC 3962 for ${JSON.stringify(password).slice(0, 20)} after ${iterations} rounds`, () => {
			assert.equal(aesKey(password, salt, 128, iterations).toString("hex"), key128);
			assert.equal(aesKey(password, salt, 256, iterations).toString("hex"), key256);
		});
	}
});

describe("a keytab", () => {
	it("has the salt of computer accounts, which is spelt in small letters but for the realm", () => {
		assert.equal(computerSalt("lab.test", "Web-1"), "LAB.TESThostweb-1.lab.test");
	});
});
