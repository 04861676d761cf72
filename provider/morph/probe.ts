/** A look at a running machine's shape. */
import type { Context } from "../lifecycle";
import { parse } from "../xml/element";
import { barredShape, isBarred } from "./agent-policy";
import { vcpusInUse } from "./guest";
import { type Shape, shapeOf } from "./shape";

/** What runs now. */
export async function lookAtShape({ host }: Context, uuid: string): Promise<Shape> {
	const shape = shapeOf(parse(await host.domains.xml(uuid), `the definition of ${uuid}`));
	return isBarred(host) ? barredShape(shape) : shape;
}

/** The same with what only the guest can say. */
export async function probedShape(context: Context, uuid: string): Promise<Shape> {
	const shape = await lookAtShape(context, uuid);
	if (shape.barred) return { ...shape, vcpus: { ...shape.vcpus, inUse: await vcpusLeft(context, uuid, shape) } };
	const inUse = shape.agent ? await vcpusInUse(context.host, uuid) : undefined;
	return { ...shape, agent: inUse !== undefined, vcpus: { ...shape.vcpus, inUse } };
}

/** Without asking the guest: those beyond its definition were left aside, as emulation takes none out. */
async function vcpusLeft({ host }: Context, uuid: string, { accelerator, vcpus }: Shape): Promise<number> {
	if (accelerator === "kvm") return vcpus.present;
	const defined = shapeOf(parse(await host.domains.xml(uuid, { inactive: true }), `the definition of ${uuid}`));
	return Math.min(vcpus.present, defined.vcpus.present);
}
