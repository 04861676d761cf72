/** Where a local file has data and where it has holes: lseek(2) with SEEK_DATA and SEEK_HOLE. */
import { koffi } from "./koffi";

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const ENXIO = 6;

let seek: ((descriptor: number, offset: number, whence: number) => number | bigint) | undefined;

/** @returns whether a hole or data begins at `position`, and how long it is; everything is data where that is unknown */
export function nextExtent(descriptor: number, position: number, size: number): { hole: boolean; length: number } {
	seek ??= koffi.load("libc.so.6").func("lseek", "int64_t", ["int", "int64_t", "int"]);
	const data = Number(seek(descriptor, position, SEEK_DATA));
	if (data < 0) return { hole: koffi.errno() === ENXIO, length: size - position };
	if (data > position) return { hole: true, length: data - position };
	const hole = Number(seek(descriptor, position, SEEK_HOLE));
	return { hole: false, length: (hole > position ? hole : size) - position };
}
