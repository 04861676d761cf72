/**
 * Where the machine accounts of a pool's identities live. Each call is idempotent: a run that was killed in the middle
 * of one is carried on by calling it again.
 */
export interface Directory {
	/** Such as `none`, `ldap` or `ad`; for messages. */
	readonly kind: string;
	/**
	 * Whether the directory can be reached and would allow what is asked of it. Changes nothing.
	 * @throws Error that says what is wrong and what to do
	 */
	check(): Promise<void>;
	/**
	 * Makes the account, enabled, with new credentials. One of the same owner that is there already gets new ones.
	 * @throws Error when somebody else's account has the name
	 */
	create(account: Account): Promise<Credentials>;
	/**
	 * Gives the account new credentials: the ones before stop working. One that is gone is made again.
	 * @throws Error when somebody else's account has the name
	 */
	reset(account: Account): Promise<Credentials>;
	/**
	 * Removes the account; succeeds when it is gone already.
	 * @throws Error when somebody else's account has the name
	 */
	remove(account: Account): Promise<void>;
	/**
	 * Whether the account is there, enabled and the owner's, and the directory takes these credentials for it.
	 * @returns undefined where there are no accounts
	 * @throws NoMemberError when it is not so; any other error means that nobody knows
	 */
	prove(account: Account, credentials: Credentials): Promise<Membership | undefined>;
	/** Lets go of connections; nothing is called afterwards. */
	close(): Promise<void>;
}

/** An account that the directory has taken the credentials of. */
export interface Membership {
	/** "ad" or "ldap". */
	directory: string;
	/** Distinguished name of the account. */
	account: string;
	/** Version number of its keys; absent in a plain LDAP directory. */
	keyVersion?: number | undefined;
}

/** Whom an account is for. */
export interface Account {
	/** Name of the identity: a host name without its domain. */
	name: string;
	/** The same with its domain, such as `web-001.example.com`; without it the directory's own domain. */
	dnsName?: string | undefined;
	/** Deterministic name of the pool; written into the account, so that nobody else's is ever touched. */
	owner: string;
}

/** How a machine proves who it is. All of them are secrets, but for the version. */
export interface Credentials {
	password?: string | undefined;
	/** A Kerberos keytab, in base64. */
	keytab?: string | undefined;
	/** What joins a domain offline, in base64. */
	joinBlob?: string | undefined;
	/** Version number of the keys, which grows with each reset. */
	keyVersion?: number | undefined;
}
