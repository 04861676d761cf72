/**
 * Contents of volumes through libvirt's streams, chunk by chunk. Between chunks the worker listens: a transfer can be
 * ended at once, and ends by itself when the provider process is gone.
 */
import { createHash, type Hash } from "node:crypto";
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Transfer } from "../api";
import { lastError, libvirt } from "./ffi";
import { nextExtent } from "./holes";
import type { Connection } from "./objects";
import type { Handle } from "./signatures";

const CHUNK = 1024 * 1024;
const PROGRESS_BYTES = 64 * 1024 * 1024;
const PROGRESS_MILLISECONDS = 1000;
const SPARSE = 1;
const STOP_AT_HOLE = 1;
/** What virStreamRecvFlags returns where a hole begins. */
const HOLE = -3;
const zeros = Buffer.alloc(CHUNK);

/** What the worker's main loop lends to a transfer. */
export const transfer = {
	aborted: false,
	progress: (_bytes: number): void => {},
};

/** Counts, hashes and reports what passes. */
class Meter {
	bytes = 0;
	private readonly hash: Hash = createHash("sha256");
	private reportedBytes = 0;
	private reportedAt = Date.now();

	data(chunk: Buffer): void {
		this.hash.update(chunk);
		this.add(chunk.length);
	}

	async hole(length: number): Promise<void> {
		for (let left = length; left > 0; left -= CHUNK) {
			this.data(left < CHUNK ? zeros.subarray(0, left) : zeros);
			await breathe();
		}
	}

	private add(count: number): void {
		this.bytes += count;
		const now = Date.now();
		if (this.bytes - this.reportedBytes < PROGRESS_BYTES && now - this.reportedAt < PROGRESS_MILLISECONDS) return;
		this.reportedBytes = this.bytes;
		this.reportedAt = now;
		transfer.progress(this.bytes);
	}

	result(): Transfer {
		return { bytes: this.bytes, sha256: this.hash.digest("hex") };
	}
}

/** Lets messages in; throws when the transfer was called off. */
async function breathe(): Promise<void> {
	await nextTurn();
	if (transfer.aborted) throw new Error("the transfer was called off");
}

async function withStream(connection: Connection, run: (stream: Handle<"stream">) => Promise<void>): Promise<void> {
	const stream = libvirt.virStreamNew(connection, 0);
	try {
		await run(stream);
		libvirt.virStreamFinish(stream);
	} catch (error) {
		try {
			libvirt.virStreamAbort(stream);
		} catch {
			// It had not begun, or is broken: the first error is the one to tell.
		}
		throw error;
	} finally {
		libvirt.virStreamFree(stream);
	}
}

function sendAll(stream: Handle<"stream">, chunk: Buffer): void {
	for (let sent = 0; sent < chunk.length; ) {
		sent += libvirt.virStreamSend(stream, chunk.subarray(sent), chunk.length - sent);
	}
}

/** virStorageVolUpload */
export async function upload(
	connection: Connection,
	volume: Handle<"volume">,
	file: string,
	options?: { sparse?: boolean },
): Promise<Transfer> {
	const descriptor = openSync(file, "r");
	const meter = new Meter();
	const sparse = options?.sparse === true;
	try {
		const size = fstatSync(descriptor).size;
		await withStream(connection, async (stream) => {
			libvirt.virStorageVolUpload(volume, stream, 0, size, sparse ? SPARSE : 0);
			const buffer = Buffer.allocUnsafe(CHUNK);
			while (meter.bytes < size) {
				const extent = sparse ? nextExtent(descriptor, meter.bytes, size) : { hole: false, length: size - meter.bytes };
				if (extent.hole) {
					libvirt.virStreamSendHole(stream, extent.length, 0);
					await meter.hole(extent.length);
					continue;
				}
				const wanted = Math.min(CHUNK, extent.length);
				const count = readSync(descriptor, buffer, 0, wanted, meter.bytes);
				if (count === 0)
					throw new Error(`${file} became shorter while it was uploaded: ${meter.bytes} of ${size} bytes`);
				const chunk = buffer.subarray(0, count);
				sendAll(stream, chunk);
				meter.data(chunk);
				await breathe();
			}
		});
	} finally {
		closeSync(descriptor);
	}
	return meter.result();
}

/** virStorageVolDownload; holes stay holes. */
export async function download(
	connection: Connection,
	volume: Handle<"volume">,
	file: string,
	_options?: object,
): Promise<Transfer> {
	const descriptor = openSync(file, "w");
	const meter = new Meter();
	try {
		await withStream(connection, async (stream) => {
			libvirt.virStorageVolDownload(volume, stream, 0, 0, SPARSE);
			const buffer = Buffer.allocUnsafe(CHUNK);
			for (;;) {
				const count = libvirt.virStreamRecvFlags(stream, buffer, CHUNK, STOP_AT_HOLE);
				if (count === 0) break;
				if (count === HOLE) {
					const length: [number | bigint] = [0];
					libvirt.virStreamRecvHole(stream, length, 0);
					await meter.hole(Number(length[0]));
					continue;
				}
				if (count < 0) throw lastError("virStreamRecvFlags");
				const chunk = buffer.subarray(0, count);
				writeFully(descriptor, chunk, meter.bytes);
				meter.data(chunk);
				await breathe();
			}
		});
		// A hole at the end was not written.
		ftruncateSync(descriptor, meter.bytes);
	} finally {
		closeSync(descriptor);
	}
	return meter.result();
}

function writeFully(descriptor: number, chunk: Buffer, position: number): void {
	for (let written = 0; written < chunk.length; ) {
		written += writeSync(descriptor, chunk, written, chunk.length - written, position + written);
	}
}
