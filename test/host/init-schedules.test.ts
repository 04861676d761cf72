import { describeSchedules } from "./init-schedules-lab";

describeSchedules({
	image: "micro",
	memoryMiB: 128,
	startSeconds: 180,
	soonSeconds: 20,
	booted: "test -e /run/booted",
	// This image logs in on its console by itself.
	logsInAtBoot: true,
	login: "sh -l -c true",
	// busybox has no datagrams: there a connection brings the text.
	listens: "netstat -tln | grep -q 5000",
	tell: (text) => `echo '${text}' | nc -w 2 127.0.0.1 5000 || true`,
});
