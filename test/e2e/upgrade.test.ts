import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Project, repository } from "../../tools/pulumi/project";
import { namesOf, restoreWorld, withHost } from "../upgrade/world";

const VERSIONS = "test/upgrade/versions";

/** Stacks as earlier versions recorded them, with the worlds that they are of. */
describe("a stack made by", function () {
	this.timeout(300_000);

	for (const version of readdirSync(join(repository, VERSIONS))) {
		it(`${version} is left as it is by preview, up and refresh, and is destroyed`, () =>
			withHost(async (host) => {
				const folder = join(VERSIONS, version);
				await restoreWorld(host, join(repository, folder));
				const uuids = await uuidsOn(host);
				const project = await Project.start({ program: folder });
				try {
					await project.must(["stack", "import", "--file", "state.json"]);
					await project.must(["preview", "--diff", "--expect-no-changes"]);
					await project.must(["up", "--yes", "--skip-preview", "--diff", "--expect-no-changes"]);
					await project.must(["refresh", "--yes", "--skip-preview", "--diff", "--expect-no-changes"]);
					await project.must(["preview", "--diff", "--expect-no-changes"]);
					assert.deepEqual(await uuidsOn(host), uuids);
					await project.destroy();
					for (const kind of ["domains", "networks", "pools"] as const) {
						assert.deepEqual(await namesOf(host, kind), []);
					}
				} finally {
					await project.remove();
				}
			}));
	}

	async function uuidsOn(host: Parameters<typeof namesOf>[0]): Promise<string[]> {
		const names = await namesOf(host, "domains");
		return Promise.all(names.map((name) => host.virsh("domuuid", name)));
	}
});
