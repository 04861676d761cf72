import * as assert from "node:assert/strict";
import { describeSchedules, type Kind, type More } from "../host/init-schedules-lab";
import { ready } from "../host/init-scripts-lab";

const SSH = "ssh -i /root/key -o StrictHostKeyChecking=no root@127.0.0.1 true 2>&1";

const DEBIAN: Omit<Kind, "image"> = {
	memoryMiB: 512,
	startSeconds: 600,
	soonSeconds: 120,
	booted: "grep -qs getty /proc/[0-9]*/comm",
	// The image makes its host keys by a unit of systemd.
	prepare:
		"ssh-keygen -A && service ssh restart && ssh-keygen -q -t ed25519 -N '' -f /root/key && mkdir -p /root/.ssh && " +
		"cp /root/key.pub /root/.ssh/authorized_keys",
	login: SSH,
	logsInAtBoot: false,
	// 5000 in hexadecimal.
	listens: "grep -q ':1388 ' /proc/net/udp",
	tell: (text) => `bash -c 'echo ${text} > /dev/udp/127.0.0.1/5000'`,
};

const NAMED: More = {
	ready(network) {
		const { scripts, ...others } = ready({
			hostname: { name: "web-{instance:02}" },
			"static-address": { address: `${network}.{200 + instance}/24`, gateway: `${network}.1` },
		});
		const before = {
			kind: "init" as const,
			name: "before",
			stage: "early" as const,
			content: "#!/bin/sh\n! ip -o addr show scope global | grep -q .\n",
		};
		return { ...others, scripts: [before, ...scripts] };
	},
	tests(machine, when) {
		it(`are in a disk whose init libguestfs has found, ${when}`, () => {
			assert.match(machine.told.join("\n"), /holds Debian GNU\/Linux \d+ \(\w+\), started by sysv$/m);
		});

		it(`name it, and give it its address by ifupdown, and no other, ${when}`, async () => {
			const { guest, network } = machine;
			assert.equal(await guest.shell("hostname; cat /etc/hostname"), "web-07\nweb-07");
			assert.deepEqual((await guest.shell("ip -4 -o addr show dev eth0")).match(/inet \S+/g), [
				`inet ${network}.207/24`,
			]);
			assert.match(await guest.shell("ip route"), new RegExp(`^default via ${network}.1 dev eth0`));
			assert.match(await guest.shell(`ping -c 1 -W 5 ${network}.1`), / 0% packet loss/);
			assert.equal(await guest.shell("cat /proc/1/comm; ls -d /run/systemd/system 2> /dev/null || true"), "init");
		});
	},
};

describeSchedules({ ...DEBIAN, image: "sysvinit" }, NAMED);
describeSchedules({ ...DEBIAN, image: "openrc" }, NAMED);
