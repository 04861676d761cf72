/** What makes the guest's own init run the payload: systemd's units, or lines of busybox' inittab. */
import type { Payload } from "./payload-type";
import { OWN_FOLDER } from "./payload-type";

const UNITS = "/etc/systemd/system";

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
			text: unit(STAGES[stage].description, STAGES[stage].order, `boot ${stage}`, true),
		})),
		...services.map(({ number, service }) => ({
			name: `clones-init-${number}.service`,
			wantedBy: `${service}.service`,
			text: unit(`A script of this image, before ${service}`, serviceOrder(service), `script ${number}`, false),
		})),
	];
	return {
		files: units.map(({ name, text }) => ({ path: `${UNITS}/${name}`, mode: 0o644, content: Buffer.from(text) })),
		links: units.map(({ name, wantedBy }) => ({
			path: `${UNITS}/${wantedBy}.wants/${name}`,
			target: `${UNITS}/${name}`,
		})),
		lines: inittab(used),
	};
}

function serviceOrder(service: string): string[] {
	return ["After=local-fs.target systemd-remount-fs.service clones-init-early.service", `Before=${service}.service`];
}

/** @param stays whether what it has started goes on when it ends, and it counts as active */
function unit(description: string, order: string[], command: string, stays: boolean): string {
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
