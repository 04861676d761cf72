/** Fork points and their children on a lab, made through the lifecycles as the engine does. */
import { join } from "node:path";
import { type ForkPointFacts, type ForkPointInputs, forkPointSchema } from "../../provider/fork/schema";
import type { State } from "../../provider/lifecycle";
import { volume } from "../../provider/volume/lifecycle";
import { type VolumeFacts, type VolumeInputs, volumeSchema } from "../../provider/volume/schema";
import type { Lab } from "./domain-lab";

export type Point = State<ForkPointInputs, ForkPointFacts>;

export class ForkLab {
	/** Of the children. */
	readonly disks: Array<State<VolumeInputs, VolumeFacts>> = [];

	constructor(private readonly lab: Lab) {}

	/** Inputs of a small parent that boots the kernel directly, with something in its memory and on its disk. */
	point(more: object = {}): ForkPointInputs {
		const { lab } = this;
		return forkPointSchema.parse({
			uri: lab.machine.uri,
			ownerId: "org/project/stack/warm",
			name: "warm",
			pool: "pool",
			base: lab.path("disk"),
			domain: {
				memoryMiB: 128,
				type: "qemu",
				boot: { kernel: lab.path("kernel"), initrd: lab.path("initrd"), cmdline: lab.image.cmdline },
			},
			network: "default",
			commands: [["/bin/sh", "-c", "echo warmed up > /run/warm; echo on disk > /root/warm"]],
			ready: { exec: ["/bin/sh", "-c", "[ -e /run/booted ] && grep -q warmed /run/warm"], intervalSeconds: 1 },
			...more,
		});
	}

	/** Makes the child's disk. @returns inputs of the child */
	async child(name: string, parent: Point, more: object = {}) {
		const { lab } = this;
		const inputs = volumeSchema.parse({
			uri: lab.machine.uri,
			ownerId: `org/project/stack/${name}`,
			pool: "pool",
			name: `${name}.qcow2`,
			base: parent.disk,
		});
		const { state } = await volume.create(inputs, lab.context);
		this.disks.push(state);
		return lab.plain(name, {
			template: parent.uuid,
			consoleLog: join(lab.machine.directory, `${name}.log`),
			disks: [{ volume: state.path }],
			nics: [{ network: "default" }],
			fork: { point: parent.uuid, hostname: name, machineId: name.replace(/\D/g, "").padStart(32, "0"), ...more },
		});
	}
}
