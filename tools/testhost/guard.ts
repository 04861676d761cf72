import { runGuard } from "./remove";

runGuard(Number(process.argv[2]));
