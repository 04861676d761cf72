/** koffi, whose declarations are for ES modules only although it can be required. Only workers may load it. */
import type { TypeObject } from "koffi" with { "resolution-mode": "import" };

type Koffi = typeof import("koffi", { with: { "resolution-mode": "import" }});

export const koffi: Koffi = require("koffi");
export type Library = ReturnType<Koffi["load"]>;
export type NativeFunction = ReturnType<Library["func"]>;
export type { TypeObject };
