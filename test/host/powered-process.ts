/** Puts scripts into a machine that is off and ends: a process that a test kills. */
import { injection } from "../../provider/init/injection/lifecycle";
import type { InjectionInputs } from "../../provider/init/injection/schema";
import { connect } from "../../provider/libvirt";

async function main(): Promise<void> {
	const inputs = await injection.resolve!(JSON.parse(process.env.INJECTION ?? "") as InjectionInputs);
	const host = connect(inputs.uri);
	await injection.create(inputs, { host, log: () => {} });
	await host.close();
}

main().catch((error) => {
	console.error(error);
	process.exitCode = 1;
});
