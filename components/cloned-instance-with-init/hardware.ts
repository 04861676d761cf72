/** The virtual hardware by which a clone knows who it is. */
import * as pulumi from "@pulumi/pulumi";
import type { DiskArgs, NicArgs, SmbiosArgs } from "../../provider/domain/resource";
import type { Hardware } from "../../provider/init/identifiers";
import type { Volume } from "../../provider/volume/resource";
import { nicsOf } from "../children";
import type { ClonedInstanceWithInitArgs } from "./args";

interface IdentityHardware {
	uuid?: string;
	smbios?: pulumi.Input<SmbiosArgs>;
	nics?: pulumi.Input<NicArgs>[];
	disks: DiskArgs[];
}

/** @param ids by their identifiers in full */
export function identityHardware(
	args: Pick<ClonedInstanceWithInitArgs, "network" | "domain">,
	ids: Hardware,
	disk: Volume,
): IdentityHardware {
	const of = (kind: string) => ids[kind];
	const oem = Object.entries(ids).flatMap(([kind, id]) => (kind.startsWith("oem ") ? [kind.slice(4) + id] : []));
	const serial = of("serial");
	const diskSerial = of("disk-serial 0");
	const given = nicsOf(args);
	return {
		...(of("uuid") !== undefined && { uuid: of("uuid")! }),
		...(serial === undefined && oem.length === 0
			? {}
			: {
					smbios: pulumi.output(args.domain?.smbios ?? {}).apply((own) => ({
						...own,
						...(serial !== undefined && { serial }),
						...(oem.length > 0 && { oemStrings: [...(own.oemStrings ?? []), ...oem] }),
					})),
				}),
		...(given && { nics: given.map((nic, index) => withMac(nic, of(`mac ${index}`))) }),
		disks: [{ volume: disk, format: "qcow2", ...(diskSerial !== undefined && { serial: diskSerial }) }],
	};
}

function withMac(nic: pulumi.Input<NicArgs>, mac: string | undefined): pulumi.Input<NicArgs> {
	// A NIC that has an address of its own keeps it.
	return mac === undefined ? nic : pulumi.output(nic).apply((plain) => ({ mac, ...plain }) as NicArgs);
}
