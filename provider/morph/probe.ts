/** A look at a running machine's shape. */
import type { Context } from "../lifecycle";
import { parse } from "../xml/element";
import { vcpusInUse } from "./guest";
import { type Shape, shapeOf } from "./shape";

/** What runs now. */
export async function lookAtShape({ host }: Context, uuid: string): Promise<Shape> {
	return shapeOf(parse(await host.domains.xml(uuid), `the definition of ${uuid}`));
}

/** The same with what only the guest can say. */
export async function probedShape(context: Context, uuid: string): Promise<Shape> {
	const shape = await lookAtShape(context, uuid);
	const inUse = shape.agent ? await vcpusInUse(context.host, uuid) : undefined;
	return { ...shape, agent: inUse !== undefined, vcpus: { ...shape.vcpus, inUse } };
}
