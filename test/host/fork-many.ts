/** Many children of one parent: nobody is like another, and the parent is never heard of again. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { forkPoint } from "../../provider/fork/lifecycle";
import { newHostKeys } from "../../provider/identity/host-keys";
import { type Full, Lab } from "./domain-lab";
import { ForkLab, type Point } from "./fork-lab";

/** Who has sent something, without the host itself. */
interface Heard {
	macs: string[];
	addresses: string[];
}

/** DHCP has no room for more in one lease time. */
const MOST_LEASES = 100;

/** @param children how many are made @param alive how many of them run at the same time, at most */
export function describeMany({ children, alive }: { children: number; alive: number }): void {
	describe(`${children} forks of one parent, ${alive} at a time`, function () {
		this.timeout(120_000 + children * 20_000);
		const isStatic = children > MOST_LEASES;
		let lab: Lab;
		let forks: ForkLab;
		let point: Point;
		/** Every value that only one of them may have, and who has it. */
		const seen = new Map<string, string>();
		const macs = new Set<string>();
		const addresses = new Set<string>();
		let parent: Heard;

		before(async () => {
			lab = await Lab.start();
			forks = new ForkLab(lab);
		});
		after(() => lab?.stop());

		it("have a parent that was on the network", async () => {
			const stop = await capture("parent");
			const ready = `echo warmed up > /run/warm; until ping -c 1 -W 1 ${gateway()}; do sleep 1; done`;
			// Or the guest would ask for addresses besides those that the children are given.
			const withoutDhcp = isStatic ? "; sed -i '/udhcpc -i/d' /etc/init.d/interface" : "";
			const inputs = forks.point({ commands: [["/bin/sh", "-c", ready + withoutDhcp]] });
			point = (await forkPoint.create(inputs, lab.context)).state;
			parent = await stop();
			assert.equal(parent.macs.length, 1, `heard of: ${parent.macs}`);
			seen.set(parent.macs[0]!, "the parent");
		});

		it("are each somebody of their own, and nobody else is on the network", async () => {
			const stop = await capture("children");
			for (let first = 0; first < children; first += alive) {
				const names = Array.from({ length: Math.min(alive, children - first) }, (_, at) => `child-${first + at + 1}`);
				const wave = await inPairs(names, (name) => make(name, Number(name.slice("child-".length))));
				for (const child of wave) await lab.delete(child);
			}
			const heard = await stop();
			assert.deepEqual(heard.macs, [...macs].sort());
			assert.deepEqual(
				heard.addresses.filter((address) => address !== "0.0.0.0"),
				[...addresses].sort(),
			);
			assert.deepEqual([macs.size, addresses.size], [children, children]);
		});

		async function make(name: string, number: number): Promise<Full> {
			const hostKeys = await newHostKeys(name);
			const network = isStatic ? staticNetwork(number) : {};
			const child = await lab.create(await forks.child(name, point, { hostKeys, ...network }));
			const { random, machineId, hostKeys: keys, addresses: own } = child.forked!;
			const script = `cat /proc/sys/kernel/random/uuid; head -c 32 /dev/urandom | sha256sum; hostname; ping -c 1 ${gateway()}`;
			const [uuid, urandom, hostname] = (await lab.sh(child.uuid, script)).split("\n");
			assert.equal(hostname, name);
			assert.equal(own.length, 1, `addresses of ${name}: ${own}`);
			const [mac, address] = [child.macs[0]!, own[0]!.split("/")[0]!];
			for (const value of [child.uuid, random, machineId, ...keys, uuid!, urandom!, mac, address]) {
				assert.equal(seen.get(value), undefined, `${name} has ${value}, as ${seen.get(value)} had`);
				seen.set(value, name);
			}
			macs.add(mac);
			addresses.add(address);
			return child;
		}

		function gateway(): string {
			return lab.machine.network!.gateway;
		}

		function staticNetwork(number: number) {
			const [net] = /^.*\./.exec(gateway())!;
			// The parent's own stays free.
			const numbers = Array.from({ length: 253 }, (_, index) => `${net}${index + 2}`);
			const free = numbers.filter((address) => !parent.addresses.includes(address));
			return { address: `${free[number]}/${lab.machine.network!.prefix}`, gateway: gateway() };
		}

		/** Everything on the network's bridge, guests to each other included. @returns who is heard until it is called */
		async function capture(name: string): Promise<() => Promise<Heard>> {
			const { bridge } = lab.machine.network!;
			const file = join(lab.machine.directory, `${name}.pcap`);
			const start =
				'tcpdump -i "$1" -n -U -w "$2" >/dev/null 2>"$2.log" & echo $!; until grep -q listening "$2.log"; do sleep 0.05; done';
			const { stdout: pid } = await lab.machine.exec("sh", ["-c", start, "sh", bridge, file]);
			return async () => {
				await lab.machine.exec("sh", [
					"-c",
					'kill "$1"; while kill -0 "$1" 2>/dev/null; do sleep 0.05; done',
					"sh",
					pid.trim(),
				]);
				const { stdout } = await lab.machine.exec("tcpdump", ["-e", "-n", "-r", file], { maxBuffer: 2 ** 28 });
				const { stdout: own } = await lab.machine.exec("cat", [`/sys/class/net/${bridge}/address`]);
				const sent = stdout.split("\n").map((line) => ({
					mac: /^\S+ ([0-9a-f:]{17}) >/.exec(line)?.[1],
					address: / (?:IPv4.*?: |Request who-has \S+ tell )(\d+\.\d+\.\d+\.\d+)/.exec(line)?.[1],
				}));
				const guests = sent.filter(({ mac }) => mac !== undefined && mac !== own.trim());
				const unique = (values: Array<string | undefined>) => [
					...new Set(values.filter((value) => value !== undefined)),
				];
				return {
					macs: unique(guests.map(({ mac }) => mac)).sort(),
					addresses: unique(guests.map(({ address }) => address))
						.filter((address) => address !== gateway())
						.sort(),
				};
			};
		}
	});
}

/** Two at a time. */
async function inPairs<T, R>(items: ReadonlyArray<T>, work: (item: T) => Promise<R>): Promise<R[]> {
	const results: R[] = [];
	for (let at = 0; at < items.length; at += 2) results.push(...(await Promise.all(items.slice(at, at + 2).map(work))));
	return results;
}
