// core wait: an interface and its addresses, as the kernel tells of them (rtnetlink).

enum { PAUSE_MS = 200, UNUSED_MS = 1000, LATER_MS = 5000 };
enum { NEW_LINK = 16, GET_LINK = 18, NEW_ADDRESS = 20, GET_ADDRESS = 22, DONE = 3, DUMP = 0x301 };
enum { LINK_ADDRESS = 1, LINK_NAME = 3, ADDRESS = 1, LOCAL = 2 };
enum { INET = 2, INET6 = 10, DONT_WAIT = 0x40 };
enum { IS_UP = 1, NEWS_OF_LINKS = 1, NEWS_OF_ADDRESSES = 0x110 };
struct header { u32 length; u16 type, flags; u32 sequence, port; };
struct link { u8 family, pad; u16 type; int index; u32 flags, change; };
struct address { u8 family, prefix, flags, scope; u32 index; };
struct attribute { u16 length, type; };

static char name[32];
static int index, isUp;
static char mac[18];
static char *wanted;
// How many addresses it has of those that are waited for, and in all.
static int own, all;
static int saying;

static const u8 *attributeOf(const u8 *at, const u8 *end, int type, u32 *size) {
	while (at + sizeof(struct attribute) <= end) {
		const struct attribute *found = (const void *)at;
		if (found->length < sizeof *found) break;
		*size = found->length - (u32)sizeof *found;
		if (found->type == type) return at + sizeof *found;
		at += (found->length + 3u) & ~3u;
	}
	return 0;
}
static void lookAtLink(const u8 *message, const u8 *end) {
	const struct link *link = (const void *)message;
	u32 size, nameSize;
	const u8 *address = attributeOf(message + sizeof *link, end, LINK_ADDRESS, &size);
	const u8 *called = attributeOf(message + sizeof *link, end, LINK_NAME, &nameSize);
	if (!address || size != 6 || !called || nameSize > sizeof name) return;
	char text[18];
	for (int i = 0; i < 6; i++) {
		text[i * 3] = "0123456789abcdef"[address[i] >> 4];
		text[i * 3 + 1] = "0123456789abcdef"[address[i] & 15];
		text[i * 3 + 2] = i == 5 ? 0 : ':';
	}
	if (!same(text, mac)) return;
	index = link->index;
	isUp = link->flags & IS_UP;
	for (u32 i = 0; i < nameSize; i++) name[i] = (char)called[i];
}
static void putAddress(int family, const u8 *bytes) {
	if (family == INET) {
		for (int i = 0; i < 4; i++) {
			if (i) put('.');
			number(bytes[i], 10, 1);
		}
		return;
	}
	// As in RFC 5952: the first of the longest rows of two and more zeros is left out.
	u16 parts[8];
	int first = -1, longest = 1;
	for (int i = 0; i < 8; i++) parts[i] = (u16)(bytes[i * 2] << 8 | bytes[i * 2 + 1]);
	for (int i = 0; i < 8; i++) {
		int count = 0;
		while (i + count < 8 && !parts[i + count]) count++;
		if (count > longest) first = i, longest = count;
	}
	for (int i = 0; i < 8; i++) {
		if (i == first) {
			say("::");
			i += longest - 1;
			continue;
		}
		if (i && i != first + longest) put(':');
		number(parts[i], 16, 1);
	}
}
static int isWanted(const char *text, u64 size) {
	for (const char *at = wanted; *at;) {
		u64 count = 0;
		while (at[count] && at[count] != ',') count++;
		u64 i = 0;
		while (i < size && i < count && at[i] == text[i]) i++;
		if (i == size && i == count) return 1;
		at += count + (at[count] == ',');
	}
	return 0;
}
static void lookAtAddress(const u8 *message, const u8 *end) {
	const struct address *address = (const void *)message;
	if ((int)address->index != index || address->scope != 0) return;
	u32 size;
	const u8 *bytes = attributeOf(message + sizeof *address, end, LOCAL, &size);
	if (!bytes) bytes = attributeOf(message + sizeof *address, end, ADDRESS, &size);
	if (!bytes || size != (address->family == INET ? 4 : 16)) return;
	// One of IPv6 comes from a router, long before a DHCP server has answered.
	int isSix = 0;
	for (const char *at = wanted; *at && *at != ','; at++) isSix |= *at == ':';
	if (same(wanted, "any") || same(wanted, "none") || isSix == (address->family == INET6)) all++;
	if (saying) say("address ");
	u64 before = filled;
	putAddress(address->family, bytes);
	own += isWanted(out + before, filled - before);
	if (!saying) {
		filled = before;
		return;
	}
	put('/');
	number(address->prefix, 10, 1);
	put('\n');
}
static void look(int socket, u16 what) {
	static u8 buffer[32768] __attribute__((aligned(8)));
	struct { struct header header; u8 family, rest[15]; } question = { { sizeof question, what, DUMP, 1, 0 }, 0, { 0 } };
	if (call6(SENDTO, socket, (long)&question, sizeof question, 0, 0, 0) < 0) return;
	for (;;) {
		long got = call6(RECVFROM, socket, (long)buffer, sizeof buffer, 0, 0, 0);
		if (got <= 0) return;
		for (u8 *at = buffer; at + sizeof(struct header) <= buffer + got;) {
			struct header *header = (void *)at;
			// The end, or an error.
			if (header->length < sizeof *header || header->type <= DONE) return;
			u8 *message = at + sizeof *header, *end = at + header->length;
			if (header->type == NEW_LINK) lookAtLink(message, end);
			if (header->type == NEW_ADDRESS) lookAtAddress(message, end);
			at += (header->length + 3u) & ~3u;
		}
	}
}
// Until something has changed, or a moment. What has is looked for then.
static void nap(int news) {
	u8 ignored[16];
	struct { int file; u16 events, happened; } one = { news, 1, 0 };
	call(POLL, (long)&one, 1, PAUSE_MS);
	while (call6(RECVFROM, news, (long)ignored, sizeof ignored, DONT_WAIT, 0, 0) > 0) {}
}
static int subscribe(void) {
	struct { u16 family, pad; u32 port, groups; } all = { 16, 0, 0, NEWS_OF_LINKS | NEWS_OF_ADDRESSES };
	int news = (int)call(SOCKET, 16, 3, 0);
	call(BIND, news, (long)&all, sizeof all);
	return news;
}
// The kernel looks at most once in a second whether a link has come up, unless somebody uses the interface already: so the
// host has it come up then, or after a second for somebody who waits for the link.
static void tell(const char *port) {
	long file = call(OPEN, (long)port, 1, 0);
	if (file < 0) return;
	call(WRITE, file, (long)"linked\n", 7);
	call(CLOSE, file, 0, 0);
}
static void lookAtAddresses(int socket) {
	own = all = 0;
	look(socket, GET_ADDRESS);
}
static int waitFor(const char *seconds, const char *port) {
	int socket = (int)call(SOCKET, 16, 3, 0), news = subscribe();
	u64 end = milliseconds() + thousandths(seconds);
	goFirst(0);
	for (; look(socket, GET_LINK), !index; nap(news)) {
		if (milliseconds() < end) continue;
		say("no interface with ");
		say(mac);
		say(" has appeared within ");
		say(seconds);
		say(" s");
		fail(1);
	}
	u64 appeared = milliseconds();
	int isAny = same(wanted, "any") || same(wanted, "none");
	if (!same(wanted, "none")) {
		for (; lookAtAddresses(socket), !all; nap(news), look(socket, GET_LINK)) {
			if (port && (isUp || milliseconds() > appeared + UNUSED_MS)) tell(port), port = 0;
			if (milliseconds() < end) continue;
			say(name);
			say(" has no address after ");
			say(seconds);
			say(" s");
			fail(1);
		}
		// For how long another address, which came first, may be followed by the one that is waited for.
		for (end = milliseconds() + LATER_MS; !isAny && !own && milliseconds() < end; lookAtAddresses(socket)) nap(news);
	}
	// It may have been called otherwise at first.
	look(socket, GET_LINK);
	say("interface ");
	say(name);
	put('\n');
	saying = 1;
	lookAtAddresses(socket);
	goFirst(call(GETPPID, 0, 0, 0));
	return isAny || own ? 0 : OTHERS_ONLY;
}
