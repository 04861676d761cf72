import assert from "node:assert/strict";
import { openAdvice } from "../../../provider/libvirt/worker/open-advice";

/** What libvirt and ssh really say. */
const cases: Array<[reason: string, uri: string, advice: RegExp]> = [
	[
		"Cannot recv data: root@h: Permission denied (publickey,password).: Connection reset by peer",
		"qemu+ssh://root@h/system",
		/ssh did not let this user in: .*ssh-copy-id/,
	],
	["Cannot recv data: Host key verification failed.: Connection reset by peer", "qemu+ssh://h/system", /ssh-keyscan/],
	[
		"Cannot recv data: ssh: connect to host h port 22: Connection refused: Connection reset by peer",
		"qemu+ssh://h/system",
		/ssh does not get there: .* host and port/,
	],
	[
		"Cannot recv data: ssh: Could not resolve hostname h: Name or service not known",
		"qemu+ssh://h/system",
		/ssh does not get/,
	],
	["Cannot recv data: sh: 1: nc: command not found", "qemu+ssh://h/system", /netcat: install it there/],
	[
		"Cannot read CA certificate '/etc/pki/CA/cacert.pem': No such file or directory",
		"qemu+tls://h/system",
		/needs certificates: .*pkipath/,
	],
	["Cannot read CA certificate '/etc/pki/CA/cacert.pem': No such file or directory", "qemu://h/system", /certificates/],
	[
		"unable to connect to server at 'h:16514': Connection refused",
		"qemu+tls://h/system",
		/Nothing answers .*libvirtd-tls/,
	],
	[
		"unable to connect to server at 'h:16509': Connection refused",
		"qemu+tcp://h/system",
		/Nothing answers at that port/,
	],
	["authentication failed: authentication failed", "qemu+tcp://h/system", /auth\.conf/],
	[
		"Failed to connect socket to '/var/run/libvirt/libvirt-sock': Permission denied",
		"qemu:///system",
		/group libvirt on most systems/,
	],
	[
		"Failed to connect socket to '/run/x': No such file or directory",
		"qemu+unix:///system?socket=/run/x",
		/Is libvirt running there\? .*the socket's path: \/run\/x/,
	],
	[
		"no connection driver available for qemoo:///system",
		"qemoo:///system",
		/Try it by hand: virsh -c 'qemoo:\/\/\/system'/,
	],
];

describe("advice about a connection that cannot be opened", () => {
	for (const [reason, uri, advice] of cases) {
		it(`fits ${uri}: ${reason}`, () => assert.match(openAdvice(reason, uri), advice));
	}

	it("shows no password", () => {
		assert.doesNotMatch(openAdvice("something else", "qemu+ssh://u:hunter2@h/system"), /hunter2/);
	});
});
