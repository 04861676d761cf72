// N thin clones by the bridged Terraform provider.
import * as libvirt from "@pulumi/libvirt";

const { BENCH_URI: uri, BENCH_POOL: pool, BENCH_BASE: base, BENCH_COUNT: count } = process.env;

const provider = new libvirt.Provider("host", { uri: uri! });
for (let i = 0; i < Number(count); i++) {
	const name = `web-${i}`;
	const disk = new libvirt.Volume(name, { name: `${name}.qcow2`, pool: pool!, baseVolumeId: base! }, { provider });
	new libvirt.Domain(
		name,
		{ name, type: "qemu", memory: 64, vcpu: 1, running: false, disks: [{ volumeId: disk.id }] },
		{ provider },
	);
}
