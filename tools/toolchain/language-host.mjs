// @ts-check
/*
 * A Pulumi language host for Node.js: the engine starts it as `pulumi-language-nodejs [flags] ENGINE_ADDRESS`, reads the
 * port from its first line of output, and asks it to run programs. Ends when the engine closes its standard input.
 */
import { readFileSync } from "node:fs";
import { directDependencies, installDependencies } from "./dependencies.mjs";
import { endPrograms, runProgram } from "./program.mjs";
import { loadSdk } from "./sdk.mjs";

/** @typedef {import("./sdk.mjs").Sdk} Sdk */

const engine = process.argv.at(-1) ?? "";
const sdk = loadSdk([process.cwd(), ...installedFor()]);
const server = new sdk.grpc.Server({
	"grpc.max_receive_message_length": -1,
	"grpc.max_send_message_length": -1,
});
server.addService(sdk.service.LanguageRuntimeService, implementation(sdk));
server.bindAsync("127.0.0.1:0", sdk.grpc.ServerCredentials.createInsecure(), (error, port) => {
	if (error) throw error;
	process.stdout.write(`${port}\n`);
});

// The engine holds the other end as long as it lives: its end, even by SIGKILL, is the end of everything here.
process.stdin.on("close", end).on("error", end).resume();
process.on("SIGINT", end).on("SIGTERM", end);

let ending = false;
async function end() {
	if (ending) return;
	ending = true;
	await endPrograms();
	process.exit(0);
}

/** Checkouts that set the tool chain up: their SDK serves programs that have none yet (`pulumi install`). */
function installedFor() {
	try {
		return [readFileSync(new URL("repository", import.meta.url), "utf8").trim()];
	} catch {
		return [];
	}
}

/**
 * @param {Sdk} sdk
 * @returns {import("@grpc/grpc-js").UntypedServiceImplementation}
 */
function implementation({ version, grpc, service, language, plugin, empty }) {
	const { status } = grpc;
	/** @type {import("@grpc/grpc-js").UntypedServiceImplementation} */
	const methods = {};
	for (const [method, { responseStream }] of Object.entries(service.LanguageRuntimeService)) {
		const error = {
			code: status.UNIMPLEMENTED,
			details: `This small language host, set up with a CLI built from source, cannot do ${method}. Use a released Pulumi CLI.`,
		};
		methods[method] = responseStream
			? /** @param {any} call */ (call) => call.emit("error", error)
			: /** @param {any} _call @param {any} callback */ (_call, callback) => callback(error);
	}

	methods.handshake = unary(() => new language.LanguageHandshakeResponse());
	methods.getPluginInfo = unary(() => {
		const response = new plugin.PluginInfo();
		response.setVersion(version);
		return response;
	});
	// Plugins are loaded when a program registers their first resource; nothing is fetched beforehand.
	methods.getRequiredPlugins = unary(() => new language.GetRequiredPluginsResponse());
	methods.getRequiredPackages = unary(() => new language.GetRequiredPackagesResponse());
	methods.runtimeOptionsPrompts = unary(() => new language.RuntimeOptionsResponse());
	methods.template = unary(() => new language.TemplateResponse());
	methods.about = unary(() => {
		const response = new language.AboutResponse();
		response.setExecutable(process.execPath);
		response.setVersion(process.version);
		return response;
	});
	methods.cancel = unary(async () => {
		await endPrograms();
		return new empty.Empty();
	});
	methods.run = unary(async (request) => {
		const { error = "", bail = false } = await runProgram(request, engine);
		const response = new language.RunResponse();
		response.setError(error);
		response.setBail(bail);
		return response;
	});
	methods.getProgramDependencies = unary((request) => {
		const response = new language.GetProgramDependenciesResponse();
		response.setDependenciesList(
			directDependencies(request.getInfo()?.getProgramDirectory() || request.getPwd()).map(({ name, version }) => {
				const dependency = new language.DependencyInfo();
				dependency.setName(name);
				dependency.setVersion(version);
				return dependency;
			}),
		);
		return response;
	});
	methods.installDependencies = /** @param {any} call */ async (call) => {
		const info = call.request.getInfo();
		try {
			await installDependencies(
				info?.getProgramDirectory() || call.request.getDirectory(),
				info?.getOptions()?.toJavaScript().packagemanager,
				(stream, bytes) => {
					const response = new language.InstallDependenciesResponse();
					if (stream === "stdout") response.setStdout(bytes);
					else response.setStderr(bytes);
					call.write(response);
				},
			);
			call.end();
		} catch (error) {
			call.emit("error", { code: status.FAILED_PRECONDITION, details: message(error) });
		}
	};
	return methods;

	/** @param {(request: any) => unknown} answer */
	function unary(answer) {
		return /** @param {any} call @param {any} callback */ async (call, callback) => {
			try {
				callback(null, await answer(call.request));
			} catch (error) {
				callback({ code: status.FAILED_PRECONDITION, details: message(error) });
			}
		};
	}
}

/** @param {unknown} error */
function message(error) {
	return error instanceof Error ? error.message : String(error);
}
