/** Whether files of the host at a libvirt URI are files of this machine. */
export function isLocalUri(uri: string): boolean {
	return /^[a-z]+(\+unix)?:\/\/\//.test(uri);
}
