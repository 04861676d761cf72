/** How any directory is reached. */
export interface ServerArgs {
	/** Whether to encrypt an `ldap://` connection before anything else. @default false */
	startTls?: boolean;
	/** Certificates of the authorities to trust, in PEM form. @default those that Node.js knows */
	ca?: string;
	/** The same as the absolute path of a file on the machine that runs Pulumi. @default none */
	caFile?: string;
	/** Its password. A secret. */
	password: string;
	/** How long to wait for a connection and for each answer. @default 10 */
	timeoutSeconds?: number;
}
