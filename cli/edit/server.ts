/** Serves the editor on the loopback interface, to whoever has the address with its key. */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { MorphOption } from "../../provider/morph/options";
import { checkTemplate, templateLines } from "../../provider/morph/template-file";
import { ChangedError, type Draft, open, save, templateOf } from "./document";
import { form } from "./form";

/** What the editor asks a host. */
export interface Machines {
	list(): Promise<string[]>;
	options(machine: string): Promise<MorphOption[]>;
}

export interface Editor {
	/** Address with the key that opens it. */
	url: string;
	close(): Promise<void>;
}

/** Beside the compiled code as in the source. */
const PAGE = join(__dirname, "..", "..", "..", "cli", "edit", "page");
const FILES: Record<string, [name: string, type: string]> = {
	"/": ["index.html", "text/html; charset=utf-8"],
	"/page.css": ["page.css", "text/css; charset=utf-8"],
	"/page.mjs": ["page.mjs", "text/javascript; charset=utf-8"],
	"/fields.mjs": ["fields.mjs", "text/javascript; charset=utf-8"],
};
const HEADERS = {
	"content-security-policy":
		"default-src 'self'; img-src data:; frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
	"cache-control": "no-store",
	"referrer-policy": "no-referrer",
	"x-content-type-options": "nosniff",
};
const MAX_BODY_BYTES = 1_000_000;

/** An answer other than 200. */
class HttpError extends Error {
	constructor(
		readonly status: number,
		message: string,
	) {
		super(message);
	}
}

/** @param port 0 for any that is free */
export async function serve(file: string, machines: Machines, port: number): Promise<Editor> {
	const key = randomBytes(16).toString("hex");
	const server = createServer((request, response) => {
		answer(request, response, { file, machines, key }).catch((error: Error) => {
			const status = error instanceof HttpError ? error.status : error instanceof ChangedError ? 409 : 500;
			if (!response.headersSent)
				response.writeHead(status, { ...HEADERS, "content-type": "text/plain; charset=utf-8" });
			response.end(error.message);
		});
	});
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.listen(port, "127.0.0.1", resolve);
	});
	return { url: `http://127.0.0.1:${portOf(server)}/?key=${key}`, close: () => closed(server) };
}

interface Around {
	file: string;
	machines: Machines;
	key: string;
}

async function answer(request: IncomingMessage, response: ServerResponse, around: Around): Promise<void> {
	const port = request.socket.localPort;
	// A page of another name that resolves to this address is not ours.
	if (![`127.0.0.1:${port}`, `localhost:${port}`].includes(request.headers.host ?? "")) {
		throw new HttpError(403, "this address is answered on the loopback interface alone");
	}
	const url = new URL(request.url ?? "/", `http://${request.headers.host}`);
	const cookie = `morph-edit-${port}`;
	const given = url.searchParams.get("key");
	if (given !== null && isKey(given, around.key)) {
		const set = `${cookie}=${around.key}; HttpOnly; SameSite=Strict; Path=/`;
		response.writeHead(303, { ...HEADERS, location: "/", "set-cookie": set });
		response.end();
		return;
	}
	const sent = new RegExp(`(?:^|; )${cookie}=([0-9a-f]+)`).exec(request.headers.cookie ?? "")?.[1];
	if (sent === undefined || !isKey(sent, around.key)) {
		throw new HttpError(403, "open the address that the command has printed, with its key");
	}
	const page = request.method === "GET" ? FILES[url.pathname] : undefined;
	if (page) {
		response.writeHead(200, { ...HEADERS, "content-type": page[1] });
		response.end(readFileSync(join(PAGE, page[0])));
		return;
	}
	const result = await called(request, url, around);
	response.writeHead(200, { ...HEADERS, "content-type": "application/json" });
	response.end(JSON.stringify(result));
}

async function called(request: IncomingMessage, url: URL, { file, machines }: Around): Promise<unknown> {
	switch (`${request.method} ${url.pathname}`) {
		case "GET /template":
			return { file, lists: form(), ...open(file) };
		case "POST /check": {
			const { draft } = await body(request);
			const { template, problems } = checkTemplate(templateOf(draft));
			return { problems, lines: problems.length === 0 ? templateLines(template) : [] };
		}
		case "PUT /template": {
			const { draft, version } = await body(request);
			const [problem] = checkTemplate(templateOf(draft)).problems;
			if (problem) throw new HttpError(422, `${problem.property}: ${problem.message}`);
			return { version: save(file, draft, String(version)) };
		}
		case "GET /machines":
			return machines.list();
		case "GET /options":
			return machines.options(url.searchParams.get("machine") ?? "");
		default:
			throw new HttpError(404, `there is no ${request.method} ${url.pathname}`);
	}
}

async function body(request: IncomingMessage): Promise<{ draft: Draft; version?: unknown }> {
	// A form of another page cannot send this type without being asked for leave first.
	if (request.headers["content-type"] !== "application/json") throw new HttpError(415, "allowed is application/json");
	const parts: Buffer[] = [];
	let bytes = 0;
	for await (const part of request as AsyncIterable<Buffer>) {
		bytes += part.length;
		// Read to its end all the same: who still sends does not see an answer.
		if (bytes <= MAX_BODY_BYTES) parts.push(part);
	}
	if (bytes > MAX_BODY_BYTES) throw new HttpError(413, `allowed are ${MAX_BODY_BYTES} bytes`);
	return JSON.parse(Buffer.concat(parts).toString("utf8")) as { draft: Draft };
}

function isKey(given: string, key: string): boolean {
	const [one, other] = [Buffer.from(given), Buffer.from(key)];
	return one.length === other.length && timingSafeEqual(one, other);
}

function portOf(server: Server): number {
	return (server.address() as AddressInfo).port;
}

function closed(server: Server): Promise<void> {
	return new Promise((resolve) => {
		server.close(() => resolve());
		server.closeAllConnections();
	});
}
