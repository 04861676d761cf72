/** Makes one fork point and ends: a process that tests kill. */
import { forkPoint } from "../../provider/fork/lifecycle";
import type { ForkPointInputs } from "../../provider/fork/schema";
import { connect } from "../../provider/libvirt";

async function main(): Promise<void> {
	const inputs = JSON.parse(process.env.POINT ?? "") as ForkPointInputs;
	const host = connect(inputs.uri);
	await forkPoint.create(inputs, { host, log: () => {} });
	await host.close();
}

main().catch((error) => {
	console.error(error);
	process.exitCode = 1;
});
