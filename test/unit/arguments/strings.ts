/** Strings that must not become anything but themselves, and a generator that mixes them. */

/** Pieces, each with a meaning to somebody who reads it carelessly. */
const PIECES = [
	"<",
	">",
	"&",
	'"',
	"'",
	"]]>",
	"<![CDATA[x]]>",
	"<!--",
	"-->",
	"&amp;",
	"&lt;devices/&gt;",
	"&#10;",
	"&xxe;",
	"<?xml?>",
	"</name><uuid>x</uuid>",
	"'/><source file='/etc/shadow",
	"$(touch /tmp/x)",
	"`id`",
	"${HOME}",
	";reboot;",
	"|cat",
	"&&",
	"*",
	"\\",
	"\n",
	"\r\n",
	"\t",
	"\u0000",
	"\u0001",
	"\u001b[31m",
	"\u007f",
	"\u0085",
	"\u2028",
	"..",
	"../../etc/passwd",
	"/",
	"//",
	"-rf",
	"--help",
	"%s%n%d",
	"{0}",
	"${subnet}",
	"\u202e",
	"\u200b",
	"e\u0301",
	"é",
	"🙂",
	"а",
	"\ufeff",
	"\ufffd",
	"\uffff",
	"\ud800",
	" ",
	"",
	"null",
	"yes",
	"0x10",
	"__proto__",
	"x".repeat(5000),
];

/** Whole strings: every piece alone and inside of a path, and some mixtures. */
export function nastyStrings(seed: number, mixtures: number): string[] {
	const random = randomOf(seed);
	const piece = () => PIECES[Math.floor(random() * PIECES.length)]!;
	const mixed = Array.from({ length: mixtures }, () =>
		Array.from({ length: 1 + Math.floor(random() * 5) }, () => (random() < 0.5 ? "a" : piece())).join(""),
	);
	return [...PIECES.flatMap((own) => [own, `/a/${own}b`]), ...mixed];
}

/** Whether there is half a character in it, for which no encoding has bytes. */
export function isBroken(text: string): boolean {
	return /\p{Surrogate}/u.test(text);
}

/** Harmless texts, of which one is allowed wherever a text is. */
export const PLAIN = [
	"plain",
	"/plain",
	"plain.example",
	"0644",
	"vdb",
	"52:54:00:00:00:02",
	"10.0.0.8",
	"10.0.0.1/25",
	"fd00::1/64",
	"test:///x",
];

/** Mulberry32: the same seed gives the same numbers. */
function randomOf(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}
