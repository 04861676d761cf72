import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { CloneInstance, ForkedChild } from "../../index";
import { cacheDirectory } from "../../tools/cache";
import { DomainController } from "../../tools/directory/domain-controller";
import { until } from "../../tools/directory/until";
import { ensureImage } from "../../tools/images";
import { type Bench, inGuest, leftOn, startBench } from "./hosts";

const KEYTAB = "/etc/krb5.keytab";

describe("examples/domain-joined", function () {
	// The first time, the image has to be built.
	this.timeout(900_000);
	let controller: DomainController;
	let bench: Bench;
	let folder: string;

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "domain-joined-"));
		controller = await DomainController.start();
		const { serverName, domain, ou, admin, ca, ldaps } = controller;
		await writeFile(join(folder, "ca.pem"), ca);
		// This machine's name server knows nothing of the domain: its Samba runs where the controller is.
		const net = `#!/bin/sh\nPATH=${process.env.PATH}\nexec ${controller.world.prefix.join(" ")} net "$@"\n`;
		await writeFile(join(folder, "net"), net);
		await chmod(join(folder, "net"), 0o755);
		bench = await startBench({
			program: "examples/domain-joined",
			config: {
				image: (await ensureImage("member")).disk,
				store: join(folder, "identities.sqlite"),
				url: `ldaps://127.0.0.1:${ldaps.port}`,
				caFile: join(folder, "ca.pem"),
				workgroup: "LAB",
				domain,
				domainController: serverName,
				nameServer: "10.99.0.1",
				ou,
				user: "nobody@lab.test",
				kerberosMachines: "2",
				winbindMachines: "1",
			},
			secrets: { password: admin.password },
			env: { PATH: [folder, join(cacheDirectory(), "bin"), process.env.PATH].join(delimiter) },
		});
	});
	after(async () => {
		await bench?.stop();
		await controller?.stop();
		await rm(folder, { recursive: true, force: true });
	});

	const inside = (name: string, command: string) => inGuest(bench.host, name, command);
	const identities = async () => {
		const { machines } = await bench.project.outputs<{ machines: CloneInstance[] }>();
		return Object.fromEntries(machines.map(({ name, identity }) => [name, identity!]));
	};

	const joined = (name: string) =>
		until(`${name} has joined`, () => inside(name, "systemctl is-active offline-join winbind"));

	/** Logs in as the machine, and gets a ticket for a service. */
	async function hasTickets(name: string): Promise<void> {
		const principal = `${(await inside(name, "hostname")).toUpperCase()}$`;
		const tickets = await inside(name, `kinit -k '${principal}' && kvno -q ldap/dc1.lab.test && klist`);
		assert.ok(tickets.includes(`Default principal: ${principal}@LAB.TEST`), tickets);
		assert.match(tickets, /krbtgt\/LAB\.TEST@LAB\.TEST/);
		assert.match(tickets, /ldap\/dc1\.lab\.test@LAB\.TEST/);
	}

	/** As the controller sees it, and as it sees the domain. */
	async function isTrusted(name: string): Promise<void> {
		// It asks again only after a while whether a controller that did not answer is there.
		await until(`${name} is trusted`, () => inside(name, "wbinfo -t"));
		assert.match(await inside(name, "wbinfo -n administrator"), /^S-1-5-21-\S+-500 SID_USER/);
	}

	it("says who could not log in, and carries on when that is corrected", async () => {
		const { code, stdout } = await bench.project.run(["up", "--yes", "--skip-preview"]);
		assert.notEqual(code, 0);
		assert.match(stdout, /(user|password): login as nobody@lab\.test was refused: .*correct/);
		assert.ok(!stdout.includes(controller.admin.password));
		await bench.project.configure({ user: controller.admin.user });
	});

	it("makes members of the domain, which no cable leads to", async () => {
		await bench.project.up();
		for (const [name, identity] of Object.entries(await identities())) {
			assert.equal(await inside(name, "hostname"), identity);
			const address = `192.168.154.${9 + Number(identity.slice(-1))}`;
			assert.match(await inside(name, "ip -4 -br address show eth0"), new RegExp(` ${address}/24$`));
			const look = `klist -k ${KEYTAB}; stat -c %a ${KEYTAB}`;
			assert.match(await inside(name, look), /host\/node-0\d\.lab\.test@LAB\.TEST\n.*600$/s);
		}
		await joined("winbind-0");
		await assert.rejects(inside("kerberos-0", "ping -c 1 -W 1 10.99.0.1"));
	});

	it("have tickets by their keytabs, and are trusted through winbind, once they reach the controller", async () => {
		await controller.world.connect(bench.host.holderPid);
		await Promise.all([...["kerberos-0", "kerberos-1", "winbind-0"].map(hasTickets), isTrusted("winbind-0")]);
	});

	it("forks members that the directory takes for what they are, and no others", async () => {
		const disable = ["dn: CN=node-04,OU=Pool,DC=lab,DC=test", "changetype: modify", "replace: userAccountControl"];
		await controller.modify([...disable, "userAccountControl: 4098", ""].join("\n"));
		await bench.project.configure({ forkedMachines: "1" });
		const { code, stdout } = await bench.project.run(["up", "--yes", "--skip-preview"]);
		assert.notEqual(code, 0);
		assert.match(
			stdout,
			/the child is no member of its directory: CN=node-04,OU=Pool,DC=lab,DC=test in .* is disabled/,
		);
		assert.match(stdout, /Its identity node-04 of the pool members is in quarantine/);
		await assert.rejects(bench.host.virsh("domstate", "forked-0"));

		await bench.project.up();
		const { forked } = await bench.project.outputs<{ forked: ForkedChild[] }>();
		const { directory, account } = forked[0]!.verified!.membership!;
		assert.deepEqual([directory, account], ["ad", "CN=node-05,OU=Pool,DC=lab,DC=test"]);
		await hasTickets("forked-0");
	});

	it("keep the account and lose its credentials when the machine goes, and the next joins with new ones", async () => {
		const { "kerberos-1": identity = "" } = await identities();
		const principal = `${identity.toUpperCase()}$`;
		const former = await inside("kerberos-1", `base64 ${KEYTAB}`);
		await controller.loginWithKeytab(former, principal);
		await bench.host.exec("ip", ["link", "delete", "directory"]);

		await bench.project.configure({ kerberosMachines: "1" });
		await bench.project.up();
		await assert.rejects(controller.loginWithKeytab(former, principal), /Preauthentication failed/);
		assert.match(await controller.search(`(sAMAccountName=${principal})`), /^userAccountControl: 4096$/m);

		await bench.project.configure({ winbindMachines: "2" });
		await bench.project.up();
		assert.equal((await identities())["winbind-1"], identity);
		await joined("winbind-1");
		await controller.world.connect(bench.host.holderPid);
		await Promise.all([hasTickets("winbind-1"), isTrusted("winbind-1")]);
		await assert.rejects(controller.loginWithKeytab(former, principal), /Preauthentication failed/);
	});

	it("shows nothing to change, and has no secret in its state", async () => {
		await bench.project.preview(["--expect-no-changes"]);
		const state = JSON.stringify(await bench.project.state());
		assert.ok(!state.includes(controller.admin.password));
		assert.ok(!state.includes((await inside("winbind-0", `base64 -w 0 ${KEYTAB}`)).slice(0, 100)));
	});

	it("destroys, and leaves neither machines nor accounts", async () => {
		await bench.project.destroy();
		assert.deepEqual(await leftOn(bench), []);
		assert.doesNotMatch(await controller.search("(objectClass=computer)", "cn"), /^cn: node/im);
	});
});
