/** What makes the guest's own init run the payload: systemd's units, lines of busybox' inittab, or a script of sysvinit's. */
import type { Payload } from "./payload-type";
import { OWN_FOLDER } from "./payload-type";

const UNITS = "/etc/systemd/system";

/** An OpenRC that reads sysvinit's scripts has this; Alpine's has not, and there busybox' init starts what there is. */
const OPENRC_OF_SYSVINIT = "/lib/rc/bin/lsb2rcconf";

export type Stage = "early" | "network" | "late";

const STAGES: Record<Stage, { description: string; order: string[] }> = {
	early: {
		description: "Scripts of this image, before the network",
		// What cloud-init has set is set again.
		order: [
			"After=local-fs.target systemd-remount-fs.service cloud-init-local.service",
			"Before=network-pre.target",
			"Wants=network-pre.target",
		],
	},
	network: {
		description: "Scripts of this image, once there is a network",
		order: ["After=network-online.target clones-init-early.service", "Wants=network-online.target"],
	},
	late: {
		description: "Scripts of this image, at the end of the boot",
		order: ["After=multi-user.target clones-init-early.service clones-init-network.service"],
	},
};

/** @param services scripts that run before the start of a systemd service, by the number of the script */
export function hooksOf(
	stages: ReadonlySet<Stage>,
	services: ReadonlyArray<{ number: string; service: string }>,
): Pick<Payload, "files" | "links" | "lines"> {
	const used = (["early", "network", "late"] as const).filter((stage) => stages.has(stage));
	const units = [
		...used.map((stage) => ({
			name: `clones-init-${stage}.service`,
			wantedBy: "multi-user.target",
			text: unit(STAGES[stage].description, STAGES[stage].order, `boot ${stage}`, true, stage === "early"),
		})),
		...services.map(({ number, service }) => ({
			name: `clones-init-${number}.service`,
			wantedBy: `${service}.service`,
			text: unit(`A script of this image, before ${service}`, serviceOrder(service), `script ${number}`, false),
		})),
	];
	const sysv = sysvHooks(used);
	return {
		files: [
			...units.map(({ name, text }) => ({ path: `${UNITS}/${name}`, mode: 0o644, content: Buffer.from(text) })),
			...sysv.files,
		],
		links: [
			...units.map(({ name, wantedBy }) => ({
				path: `${UNITS}/${wantedBy}.wants/${name}`,
				target: `${UNITS}/${name}`,
			})),
			...sysv.links,
		],
		lines: [...inittab(used), ...sysv.lines],
	};
}

function serviceOrder(service: string): string[] {
	return ["After=local-fs.target systemd-remount-fs.service clones-init-early.service", `Before=${service}.service`];
}

/**
 * @param stays whether what it has started goes on when it ends, and it counts as active
 * @param first whether it goes before all else that starts at the same time
 */
function unit(description: string, order: string[], command: string, stays: boolean, first = false): string {
	return [
		"[Unit]",
		`Description=${description}`,
		"DefaultDependencies=no",
		"Conflicts=shutdown.target",
		"Before=shutdown.target",
		...order,
		"",
		"[Service]",
		"Type=oneshot",
		stays ? "RemainAfterExit=yes" : "KillMode=process",
		// Each script has a limit of its own.
		"TimeoutStartSec=infinity",
		// Other units wait for it. What it has started is as any other, once the machine is up.
		...(first ? ["StartupCPUWeight=10000", "StartupIOWeight=10000"] : []),
		`ExecStart=${OWN_FOLDER}/run ${command}`,
		"",
	].join("\n");
}

/** busybox' init waits for what is `sysinit`, before anything else begins. Where there is no inittab they are left out. */
function inittab(stages: Stage[]): Payload["lines"] {
	const later = stages.filter((stage) => stage !== "early");
	return [
		...(stages.includes("early") ? [`::sysinit:${OWN_FOLDER}/run boot early`] : []),
		...(later.length > 0 ? [`::once:${OWN_FOLDER}/run boot ${later.join(" ")}`] : []),
	].map((line) => ({ path: "/etc/inittab", line }));
}

/**
 * One script of the single-user part of the boot, for all stages. It has the name of a unit, so that systemd makes none of
 * it. Where scripts start side by side, their order is in a file, which Debian's `insserv` writes again by the script's head.
 */
function sysvHooks([first, ...others]: Stage[]): Pick<Payload, "files" | "links" | "lines"> {
	if (first === undefined) return { files: [], links: [], lines: [] };
	const name = `clones-init-${first}`;
	const later = first === "early" ? others : [first, ...others];
	const text = [
		"#!/bin/sh",
		"### BEGIN INIT INFO",
		`# Provides:          ${name}`,
		"# Required-Start:    $local_fs",
		"# Required-Stop:",
		"# X-Start-Before:    networking",
		"# Default-Start:     S",
		"# Default-Stop:",
		"# Short-Description: Scripts of this image",
		"### END INIT INFO",
		'[ "$1" = start ] || exit 0',
		...(first === "early" ? [`${OWN_FOLDER}/run boot early`] : []),
		// They wait for the network by themselves, which starts after this.
		...(later.length > 0 ? [`setsid ${OWN_FOLDER}/run boot ${later.join(" ")} < /dev/null > /dev/console 2>&1 &`] : []),
		"exit 0",
		"",
	].join("\n");
	return {
		files: [{ path: `/etc/init.d/${name}`, mode: 0o755, content: Buffer.from(text) }],
		links: [
			{ path: `/etc/rcS.d/S36${name}`, target: `../init.d/${name}` },
			{ path: `/etc/runlevels/sysinit/${name}`, target: `/etc/init.d/${name}`, where: OPENRC_OF_SYSVINIT },
		],
		lines: [`${name}: mountall.sh`, `networking: ${name}`].map((line) => ({ path: "/etc/init.d/.depend.boot", line })),
	};
}
