// N thin clones by this package.
import { ThinClonePool } from "pulumi-libvirt-clones";

const { BENCH_URI: uri, BENCH_POOL: pool, BENCH_BASE: base, BENCH_COUNT: count } = process.env;

new ThinClonePool("web", {
	uri: uri!,
	pool: pool!,
	base: base!,
	count: Number(count),
	running: false,
	domain: { type: "qemu", memoryMiB: 64 },
});
