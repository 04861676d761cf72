/**
 * A payload for images that only know cloud-init: its NoCloud seed writes the files at the first boot, and then does what
 * the boot of an image with the files would have done, as its services came too late for that boot.
 */
import { quoted } from "../../shell";
import type { CloudInit } from "../../volume/schema";
import { OWN_FOLDER, type Payload, PLAN_FOLDER } from "../payload-type";
import { addingLine, linking } from "./agent";

/** Parts of a boot, in order. */
const STAGES = ["early", "network", "late"];

/** Data for a Volume's `source.cloudInit`. The same for all clones: it can be on one seed that they share. */
export function seedOf(payload: Payload): CloudInit {
	const { files, links, lines, version } = payload;
	const commands = [
		`chmod 0700 ${quoted(PLAN_FOLDER)}`,
		...links.map((link) => linking(link).join("\n")),
		...lines.map(({ path, line }) => addingLine(path, line)),
		"if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi",
		...STAGES.map((stage) => `${OWN_FOLDER}/run boot ${stage}`),
	];
	return {
		// Other scripts are another instance: cloud-init takes them up.
		instanceId: `clones-init-${version.slice(0, 16)}`,
		// JSON is YAML.
		userData: `#cloud-config\n${JSON.stringify({ runcmd: commands }, undefined, 1)}\n`,
		files: files.map(({ path, mode, content }) => ({
			path,
			mode: mode.toString(8).padStart(4, "0"),
			content: content.toString("base64"),
			encoding: "base64" as const,
		})),
	};
}
