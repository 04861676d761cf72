/** Edits a template in a browser, until the command is ended. */
import { connect } from "../../provider/libvirt";
import { surveyOptions } from "../../provider/morph/survey";
import { open } from "./document";
import { serve } from "./server";

/**
 * @param file template; made when it is saved, where there is none
 * @param port on the loopback interface; 0 for any that is free
 * @throws Error for a file that cannot be edited
 */
export async function edit(
	{ file, uri, port }: { file: string; uri: string; port: number },
	signal: AbortSignal,
	log: (line: string) => void,
): Promise<void> {
	open(file);
	const host = connect(uri);
	const editor = await serve(
		file,
		{
			list: async () => (await host.domains.list()).map(({ name }) => name).sort(),
			options: async (machine) => (await surveyOptions({ host, log }, [machine])).options,
		},
		port,
	);
	log(`${file} is edited at ${editor.url}`);
	log("Ctrl-C ends this.");
	try {
		await new Promise<void>((resolve) => {
			if (signal.aborted) resolve();
			signal.addEventListener("abort", () => resolve(), { once: true });
		});
	} finally {
		await editor.close();
	}
}
