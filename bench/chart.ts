/** Charts without a library: horizontal bars on a logarithmic scale. */
import { element, serialize } from "../provider/xml/element";

export interface Bars {
	title: string;
	/** Below the title. */
	note: string;
	unit: string;
	groups: Array<{ name: string; bars: Array<{ name: string; value: number }> }>;
}

const WIDTH = 860;
const LEFT = 250;
const RIGHT = 110;
const TOP = 74;
const BAR = 18;
const GAP = 14;
const COLOURS = ["#1f77b4", "#6baed6", "#c6dbef"];

/** @param chart values have to be above 0 */
export function barChart({ title, note, unit, groups }: Bars): string {
	const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value));
	const low = 10 ** Math.floor(Math.log10(Math.min(...values)));
	const high = 10 ** Math.ceil(Math.log10(Math.max(...values) * 1.01));
	const x = (value: number) =>
		LEFT + ((WIDTH - LEFT - RIGHT) * Math.log10(value / low)) / Math.max(1, Math.log10(high / low));
	let y = TOP;
	const shapes = groups.flatMap(({ name, bars }) => {
		const middle = y + (bars.length * BAR) / 2 + 4;
		const drawn = bars.flatMap((bar, index) => {
			const at = y + index * BAR;
			const end = x(bar.value);
			return [
				rectangle(LEFT, at, end - LEFT, BAR - 3, COLOURS[index % COLOURS.length]!),
				text(end + 6, at + 12, `${shown(bar.value)} ${unit} · ${bar.name}`, 11),
			];
		});
		y += bars.length * BAR + GAP;
		return [text(LEFT - 10, middle, name, 13, { "text-anchor": "end" }), ...drawn];
	});
	const ticks: ReturnType<typeof element>[] = [];
	for (let value = low; value <= high * 1.001; value *= 10) {
		const at = x(value).toFixed(1);
		ticks.push(
			element("line", { x1: at, x2: at, y1: TOP - 8, y2: y - GAP + 4, stroke: "#ddd" }),
			text(x(value), y + 8, shown(value), 11, { "text-anchor": "middle", fill: "#555" }),
		);
	}
	const height = y + 24;
	return `${serialize(
		element(
			"svg",
			{
				xmlns: "http://www.w3.org/2000/svg",
				width: WIDTH,
				height,
				viewBox: `0 0 ${WIDTH} ${height}`,
				"font-family": "sans-serif",
			},
			element("title", {}, title),
			rectangle(0, 0, WIDTH, height, "#fff"),
			text(16, 28, title, 17, { "font-weight": "bold" }),
			text(16, 48, note, 12, { fill: "#555" }),
			...ticks,
			...shapes,
		),
	)}\n`;
}

function shown(value: number): string {
	return String(Number(value.toPrecision(value < 100 ? 2 : 3)));
}

function rectangle(x: number, y: number, width: number, height: number, fill: string) {
	return element("rect", { x, y, width: Math.max(1, width).toFixed(1), height, fill });
}

function text(x: number, y: number, content: string, size: number, attributes: Record<string, string> = {}) {
	return element("text", { x: x.toFixed(1), y, "font-size": size, ...attributes }, content);
}
