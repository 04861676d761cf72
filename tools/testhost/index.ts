/** Private libvirt hosts for tests and the demo. Needs root, and the packages that `tools/setup` installs. */
export type { HostNetwork } from "./config";
export { connectHosts, setLink } from "./connect";
export type { Output, TestHost } from "./host";
export { sweep } from "./remove";
export { findTestHost, listTestHosts, requireRoot, startTestHost, type TestHostOptions } from "./start";
