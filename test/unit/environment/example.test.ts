import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Declarations } from "../../../environment/declarations";
import { argsOf, complaintsOf, loadYaml, namesOf } from "./helpers";

const EXAMPLE = join(__dirname, "../../../../examples/environments");
const text = readFileSync(join(EXAMPLE, "clones.yaml"), "utf8");
const config = { image: "./gold.qcow2", poolPath: "/images" };

describe("examples/environments", () => {
	it("has a jump host in development, and more machines in production", () => {
		const [dev, prod] = [loadYaml(text, { config }), loadYaml(text, { config, stack: "prod" })];
		assert.deepEqual(namesOf(dev).slice(-3), ["volumes.jump", "components.web", "components.jump"]);
		assert.deepEqual(namesOf(prod).slice(-2), ["volumes.jump", "components.web"]);
		assert.deepEqual([argsOf(dev, "web", "components").count, argsOf(prod, "web", "components").count], [1, 2]);
		const macs = (stack: Declarations) => (argsOf(stack, "web", "identityPools").macs as string[])[0]!.slice(0, 17);
		assert.deepEqual([macs(dev), macs(prod)], ["52:54:00:01:60:01", "52:54:00:01:61:01"]);
		assert.equal(argsOf(prod, "lab").ipv4, "192.168.161.1/24");
		assert.equal(argsOf(prod, "images").path, "/images/192.168.161");
	});

	it("shows in its README what errors look like", () => {
		const wrong = text.replace("network: lab", "network: lap").replace("memory: 128", "memory: lots");
		const readme = readFileSync(join(EXAMPLE, "README.md"), "utf8");
		for (const line of complaintsOf(() => loadYaml(wrong, { config }))) {
			assert.ok(readme.includes(line.replace(/(\?; ).*existing.*/, "$1...")), line);
		}
	});
});
