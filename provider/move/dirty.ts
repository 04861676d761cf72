/** How fast a guest changes its memory: what it changes has to be sent again where it moves while it runs. */
import { poll } from "../domain/patience";
import type { Host } from "../libvirt";

const MEASURED_SECONDS = 1;
/** On a busy host the answer takes longer than what is measured. */
const ANSWER_SECONDS = 30;

interface DirtyRate {
	status: "unstarted" | "measuring" | "measured";
	/** MiB a second. */
	"dirty-rate"?: number;
}

/** @returns MiB a second, of a sample of its pages; undefined where QEMU (5.2 and later) does not say */
export async function dirtiedMiBps(host: Host, uuid: string): Promise<number | undefined> {
	try {
		await host.domains.qmp(uuid, "calc-dirty-rate", { "calc-time": MEASURED_SECONDS });
		return await poll(ANSWER_SECONDS, async () => {
			const found = await host.domains.qmp<DirtyRate>(uuid, "query-dirty-rate");
			return found.status === "measured" ? found["dirty-rate"] : undefined;
		});
	} catch {
		return undefined;
	}
}
