import assert from "node:assert/strict";
import { load } from "../../../environment/load";
import { ThinClonePool } from "../../../index";
import { Domain, Network, StoragePool, Volume } from "../../../provider";
import { registeredBy } from "../components/mocks";
import * as bad from "./bad-inputs";
import { type Cause, causes } from "./causes";
import { isHelpful } from "./messages";

const handlers = { Domain, Network, StoragePool, Volume };
const tables = {
	Domain: bad.Domain,
	Environment: bad.Environment,
	Network: bad.Network,
	StoragePool: bad.StoragePool,
	ThinClonePool: bad.ThinClonePool,
	Volume: bad.Volume,
};

/** What is said about the arguments; empty when nothing is wrong with them. */
async function complaintAbout({ of, given }: Pick<Cause, "of" | "given">): Promise<string> {
	const merged = Object.fromEntries(
		Object.entries({ ...tables[of].good, ...given }).filter(([, value]) => value !== undefined),
	);
	if (of === "Environment") return thrownBy(() => load({ ...ENVIRONMENT, definition: merged }));
	if (of === "ThinClonePool") {
		let message = "";
		const registered = await registeredBy(() => {
			message = thrownBy(() => new ThinClonePool("web", merged as never));
		});
		assert.ok(message === "" || registered.every(({ type }) => type.endsWith(":ThinClonePool")), "something was made");
		return message;
	}
	const { failures, inputs } = await handlers[of].check({}, { uri: NOBODY, ownerId: "org/project/dev/x", ...merged });
	assert.ok(failures.length === 0 || !("plan" in inputs), "the host was looked at");
	return failures.map(({ reason }) => reason).join("\n");
}

const NOBODY = "qemu+unix:///system?socket=/nonexistent";
const ENVIRONMENT = { name: "test", stack: "dev", configuration: { get: () => undefined } };

function thrownBy(work: () => unknown): string {
	try {
		work();
		return "";
	} catch (error) {
		return (error as Error).message;
	}
}

describe("causes of bad arguments", () => {
	for (const of of [...new Set(causes.map((cause) => cause.of))]) {
		describe(`of ${of}`, () => {
			it("are none in what is good", async () => {
				assert.equal(await complaintAbout({ of, given: {} }), "");
			});

			for (const cause of causes.filter((own) => own.of === of)) {
				it(`refuses ${cause.what}`, async () => {
					const message = await complaintAbout(cause);
					assert.notEqual(message, "", "was accepted");
					if (of === "ThinClonePool") assert.match(message, /^ThinClonePool web: /);
					isHelpful(message, cause);
				});
			}
		});
	}

	it("are more than sixty, each with a message of its own", async () => {
		assert.equal(new Set(causes.map(({ what }) => what)).size, causes.length);
		const messages = await Promise.all(causes.map(complaintAbout));
		assert.equal(new Set(messages).size, causes.length);
		assert.ok(causes.length >= 60, `${causes.length}`);
	});
});
