/** A sample: `npm run test:faults` makes 200. */
import { describeMany } from "./fork-many";

describeMany({ children: 6, alive: 6 });
