/** Does one task of `inject-lab.ts` and ends: a process that tests kill. */
import { injectIntoSource } from "../../provider/init/inject/into-source";
import { payloadOf, recordedOf } from "../../provider/init/injected";
import { connect } from "../../provider/libvirt";
import { volume } from "../../provider/volume/lifecycle";
import type { Task } from "./inject-lab";
import { checked } from "./volume-lab";

async function main(): Promise<void> {
	const task = JSON.parse(process.env.INJECT_TASK ?? "") as Task;
	const host = connect(task.uri);
	const context = { host, log: () => {} };
	if (task.volume) await volume.create(await checked(volume, task.volume), context);
	if (task.source) await injectIntoSource(context, task.source.path, payloadOf(recordedOf(task.source.injected)));
	await host.close();
}

main().catch((error) => {
	console.error(error);
	process.exitCode = 1;
});
