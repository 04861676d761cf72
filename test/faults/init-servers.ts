import * as assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { PayloadDescription } from "../../provider/init/payload";
import { startTestHost, type TestHost } from "../../tools/testhost";
import { InitImage } from "../host/init-lab";
import { ready, report } from "../host/init-scripts-lab";
import { withLibguestfs } from "../host/inject-lab";
import { Guest } from "../images/guest";

const run = promisify(execFile);

const PASSWORD = "correct:horse$battery";
const TOKEN = "K10abc::server:staple";

/** In place of k3s, which reads the same file: nodes with the server's token are welcome to it. */
const K3S = String.raw`#!/usr/bin/perl
use strict;
use IO::Socket::INET;
die "got @ARGV" unless @ARGV == 1;
my %config;
open my $file, '<', '/etc/rancher/k3s/config.yaml' or die $!;
while (<$file>) {
	/^([a-z-]+): "(.*)"$/ or die "line $_";
	$config{$1} = $2;
}
if ($ARGV[0] eq 'server') {
	my $listener = IO::Socket::INET->new(LocalPort => 6443, Listen => 5, ReuseAddr => 1) or die $!;
	system 'systemd-notify', '--ready';
	while (my $node = $listener->accept) {
		my ($token, $name, $address) = split ' ', <$node>;
		print $node $token eq $config{token} ? "welcome to $config{'node-name'}, $name at $address\n" : "not welcome\n";
		close $node;
	}
}
die "got @ARGV" unless $ARGV[0] eq 'agent';
my ($server) = $config{server} =~ m{^https://([0-9.]+):6443$} or die $config{server};
my $socket = IO::Socket::INET->new(PeerAddr => $server, PeerPort => 6443) or die $!;
print $socket "$config{token} $config{'node-name'} $config{'node-ip'}\n";
open my $said, '>', '/run/k3s-said' or die $!;
print $said scalar <$socket>;
close $said;
sleep;
`;

const SERVER = ["postgresql-primary", "nfs-server", "k3s-server", "certificates"];
const CLIENT = ["postgresql-replica", "nfs-client", "k3s-agent"];

describe("a server and its client, of one image", function () {
	this.timeout(1_800_000);
	withLibguestfs();
	let host: TestHost;
	let image: InitImage;
	let network: string;
	let folder: string;
	const guests: Guest[] = [];

	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "init-servers-"));
		await certificates(folder);
		host = await startTestHost();
		const [, gateway = ""] = /<ip address='([0-9.]+)'/.exec(await host.virsh("net-dumpxml", "default")) ?? [];
		network = gateway.replace(/\.\d+$/, "");
		const server = `${network}.200`;
		const own = ready({
			hostname: { name: "node-{instance}" },
			"static-address": { address: `${network}.{200 + instance}/24`, gateway },
			file: { path: "/usr/local/bin/k3s", mode: "755", content: K3S },
			"postgresql-primary": { password: PASSWORD, clients: `${network}.0/24` },
			"postgresql-replica": { server, password: PASSWORD },
			"nfs-server": { path: "/srv/shared", clients: `${network}.0/24` },
			"nfs-client": { server, path: "/srv/shared", mountPoint: "/mnt/shared" },
			"k3s-server": { token: TOKEN, address: server, name: "node-{instance}" },
			"k3s-agent": { server, token: TOKEN, address: `${network}.{200 + instance}`, name: "node-{instance}" },
			certificates: { certificates: await readFile(join(folder, "authority.pem"), "utf8") },
		});
		image = await InitImage.make("servers", { ...own, identifier: ["mac"], scripts: own.scripts.map(placed) });
		const flat = await image.flat();
		for (const instance of [0, 1]) {
			const macs = [`52:54:00:1b:00:0${instance}`];
			const options = { name: `node-${instance}`, boot: "direct" as const, memoryMiB: 512, macs };
			guests.push(await Guest.define(host, flat, options));
			await guests[instance]!.start(300);
			await assertEnded(guests[instance]!, instance === 0 ? CLIENT : SERVER);
		}
	});
	after(async () => {
		await host?.stop();
		await image?.remove();
		if (folder) await rm(folder, { recursive: true });
	});

	/** The guest's report, once nothing is to run any more. */
	async function assertEnded(guest: Guest, skipped: string[]): Promise<void> {
		let { status, scripts } = await report(guest);
		while (status === "waiting" || scripts.some(({ state }) => state === "pending" || state === "running")) {
			const failed = scripts.find(({ state }) => state === "failed");
			assert.equal(failed, undefined, `${failed?.name}: ${failed?.reason}: ${failed?.output}`);
			await sleep(2000);
			({ status, scripts } = await report(guest));
		}
		for (const { name, state, reason, output } of scripts) {
			assert.equal(state, skipped.includes(name) ? "skipped" : "done", `${name}: ${reason}: ${output}`);
		}
	}

	const server = (command: string) => guests[0]!.shell(command);
	const client = (command: string) => guests[1]!.shell(command);
	const sql = (text: string) => `cd / && su -s /bin/sh postgres -c "psql -At -d postgres -c \\"${text}\\""`;

	/** What is written on the server reaches the client. */
	async function assertTogether(text: string) {
		await server(sql(`CREATE TABLE IF NOT EXISTS said (text text); INSERT INTO said VALUES ('${text}')`));
		await guests[1]!.until(`${sql("SELECT text FROM said")} | grep -qx '${text}'`, 60);
		assert.equal(await client(sql("SELECT pg_is_in_recovery()")), "t");
		await server(`echo '${text}' > /srv/shared/said`);
		await guests[1]!.until(`grep -qx '${text}' /mnt/shared/said`, 60);
		assert.match(
			await client("grep ' /mnt/shared ' /proc/mounts"),
			new RegExp(`^${network}.200:/srv/shared .* nfs4? `),
		);
		assert.equal(await guests[1]!.until("cat /run/k3s-said", 60), `welcome to node-0, node-1 at ${network}.201`);
	}

	it("are a PostgreSQL server and its replica, an NFS server and its client, a k3s server and its node", () =>
		assertTogether("at first"));

	it("are so when the client boots again", async () => {
		await guests[1]!.shutdown("agent");
		await guests[1]!.start(300);
		await guests[1]!.until("systemctl is-active multi-user.target", 300);
		await assertTogether("later");
		assert.equal(await client("systemctl --failed --no-legend"), "");
	});

	it("are so when the server boots again", async () => {
		await guests[0]!.shutdown("agent");
		await guests[0]!.start(300);
		await guests[0]!.until("systemctl is-active multi-user.target", 300);
		await client("systemctl restart k3s-agent");
		await assertTogether("at last");
	});

	it("keep what is secret to root", async () => {
		assert.match(await server("stat -c '%a %U' /etc/rancher/k3s/config.yaml"), /^600 root$/);
		assert.match(await client("stat -c '%a %U' /var/lib/postgresql/15/.clones-pgpass"), /^600 postgres$/);
	});

	it("trust the authority, whose certificate the server has been given", async () => {
		const leaf = await readFile(join(folder, "leaf.pem"), "utf8");
		const verify = `printf '%s' '${leaf}' > /tmp/leaf.pem; openssl verify /tmp/leaf.pem`;
		assert.match(await server(verify), /^\/tmp\/leaf.pem: OK$/);
		assert.match(await client(`${verify} || true`), /unable to get local issuer certificate/);
	});
});

type Script = PayloadDescription["scripts"][number];

/** The server is number 0. */
function placed(script: Script): Script {
	if (CLIENT.includes(script.name)) return { ...script, onlyOn: { instanceIds: { from: 1 } }, timeoutSeconds: 900 };
	if (!SERVER.includes(script.name)) return script;
	return { ...script, onlyOn: { instanceIds: { from: 0, to: 0 } }, timeoutSeconds: 900 };
}

/** An authority's certificate, and one that it has signed. */
async function certificates(folder: string): Promise<void> {
	const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
	const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
	const authority = ["-keyout", "authority.key", "-out", "authority.pem", "-subj", "/CN=authority", "-days", "9000"];
	await openssl("req", "-x509", ...key, ...authority);
	await openssl("req", ...key, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=leaf");
	const signed = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "9000"];
	await openssl("x509", "-req", "-in", "leaf.csr", "-out", "leaf.pem", ...signed);
}
