// What the scripts of a fork cannot do in a shell, or would start many programs for: each takes tens of milliseconds and of
// pages under emulation, and this one of some kilobytes without libraries next to nothing. Linux, x86_64.
//   gcc -Os -std=c11 -ffreestanding -fno-builtin -fno-stack-protector -fno-pie -no-pie -mgeneral-regs-only -nostdlib -static
//     -fno-asynchronous-unwind-tables -Wl,-z,noseparate-code,--build-id=none,-z,norelro -s core.c -o core
//
//   core begin SECONDS|- PATH...      gives the random number generator the seed on standard input (base64), and has it used
//                                     at once: forked machines share its state, until then two of them "randomly" make the
//                                     same keys. Then sets the clock to SECONDS since 1970 (-: leaves it), and removes the
//                                     files. Says: random, a hash of 32 new bytes of the random device; and time, with how
//                                     long the machine has been running then
//   core wait SECONDS MAC none|any|ADDRESS,...
//                                     waits for the interface, and for one of the addresses, or any. Says: interface, and
//                                     address for each that it has. Ends with 3 when it has come to have others only
//   core remove PATH...               files that may not be there
//   core sync
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

enum { READ = 0, WRITE = 1, OPEN = 2, CLOSE = 3, IOCTL = 16, NANOSLEEP = 35, SOCKET = 41, SENDTO = 44, RECVFROM = 45,
	EXIT = 60, UNLINK = 87, SYNC = 162, CLOCK_SETTIME = 227, CLOCK_GETTIME = 228 };
enum { ENOENT = 2, REALTIME = 0, BOOTTIME = 7 };
enum { OTHERS_ONLY = 3 };

static long call6(long number, long a, long b, long c, long d, long e, long f) {
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
		: "rcx", "r11", "memory");
	return result;
}
static long call(long number, long a, long b, long c) { return call6(number, a, b, c, 0, 0, 0); }
__attribute__((noreturn)) static void leave(int code) {
	for (;;) call(EXIT, code, 0, 0);
}

static u64 length(const char *text) {
	u64 count = 0;
	while (text[count]) count++;
	return count;
}
static int same(const char *one, const char *other) {
	while (*one && *one == *other) one++, other++;
	return *one == *other;
}
static char out[4096];
static u64 filled;
static void flush(int to) {
	call(WRITE, to, (long)out, (long)filled);
	filled = 0;
}
static void put(char c) {
	if (filled == sizeof out) flush(1);
	out[filled++] = c;
}
static void say(const char *text) {
	while (*text) put(*text++);
}
static void number(u64 value, u64 base, int digits) {
	char text[20];
	int count = 0;
	do text[count++] = "0123456789abcdef"[value % base], value /= base;
	while (value || count < digits);
	while (count) put(text[--count]);
}
__attribute__((noreturn)) static void fail(int code) {
	put('\n');
	flush(2);
	leave(code);
}

struct time { long seconds, nanoseconds; };
static struct time now(int clock) {
	struct time time = { 0, 0 };
	call(CLOCK_GETTIME, clock, (long)&time, 0);
	return time;
}
static void sayTime(int clock) {
	struct time time = now(clock);
	number((u64)time.seconds, 10, 1);
	put('.');
	number((u64)time.nanoseconds / 1000000, 10, 3);
}
static u64 milliseconds(void) {
	struct time time = now(BOOTTIME);
	return (u64)time.seconds * 1000 + (u64)time.nanoseconds / 1000000;
}
// With three digits of a fraction.
static u64 thousandths(const char *text) {
	u64 value = 0;
	int digits = -1;
	for (; *text; text++) {
		if (*text == '.') digits = 0;
		else if (*text < '0' || *text > '9') return 0;
		else if (digits < 3) value = value * 10 + (u64)(*text - '0'), digits += digits >= 0;
	}
	for (digits = digits < 0 ? 0 : digits; digits < 3; digits++) value *= 10;
	return value;
}

// SHA-256 of 32 bytes, which are one block.

static u32 turned(u32 word, int by) { return word >> by | word << (32 - by); }
static const u32 ROUNDS[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
	0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
	0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
	0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
static void sayHash(const u8 bytes[32]) {
	u32 hash[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	u32 words[64], state[8];
	for (int i = 0; i < 16; i++) words[i] = 0;
	for (int i = 0; i < 32; i++) words[i / 4] = words[i / 4] << 8 | bytes[i];
	words[8] = 0x80000000;
	words[15] = 32 * 8;
	for (int i = 16; i < 64; i++) {
		u32 a = words[i - 15], b = words[i - 2];
		words[i] = words[i - 16] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) + words[i - 7] +
			(turned(b, 17) ^ turned(b, 19) ^ b >> 10);
	}
	for (int i = 0; i < 8; i++) state[i] = hash[i];
	for (int i = 0; i < 64; i++) {
		u32 a = state[0], e = state[4];
		u32 one = state[7] + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & state[5]) ^ (~e & state[6])) + ROUNDS[i] +
			words[i];
		u32 two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & state[1]) ^ (a & state[2]) ^ (state[1] & state[2]));
		for (int j = 7; j > 0; j--) state[j] = state[j - 1];
		state[4] += one;
		state[0] = one + two;
	}
	for (int i = 0; i < 8; i++) number(hash[i] + state[i], 16, 8);
}

// begin

enum { SMALLEST_SEED = 32 };
static struct { u32 bits, length; u8 seed[256]; } pool;
static void takeSeed(void) {
	char text[512];
	u64 count = 0;
	for (long got; count < sizeof text && (got = call(READ, 0, (long)(text + count), (long)(sizeof text - count))) > 0;)
		count += (u64)got;
	u32 collected = 0, bits = 0;
	for (u64 i = 0; i < count && pool.length < sizeof pool.seed; i++) {
		char c = text[i];
		int value = c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : c >= '0' && c <= '9' ? c - '0' + 52
			: c == '+' ? 62 : c == '/' ? 63 : -1;
		if (value < 0) continue;
		collected = collected << 6 | (u32)value;
		bits += 6;
		if (bits >= 8) pool.seed[pool.length++] = (u8)(collected >> (bits -= 8));
	}
	pool.bits = pool.length * 8;
}
__attribute__((noreturn)) static void noSeed(int step) {
	say("the random number generator took no seed (step ");
	number((u64)step, 10, 1);
	put(')');
	fail(step);
}
static void removeAll(char **paths) {
	for (; *paths; paths++) {
		long result = call(UNLINK, (long)*paths, 0, 0);
		if (result >= 0 || result == -ENOENT) continue;
		say("cannot remove ");
		say(*paths);
		say(", error ");
		number((u64)-result, 10, 1);
		fail(1);
	}
}
static void begin(const char *seconds, char **paths) {
	takeSeed();
	if (pool.length < SMALLEST_SEED) noSeed(1);
	long device = call(OPEN, (long)"/dev/urandom", 2, 0);
	if (device < 0) noSeed(2);
	// RNDADDENTROPY, RNDRESEEDCRNG
	if (call(IOCTL, device, 0x40085203, (long)&pool) < 0) noSeed(3);
	if (call(IOCTL, device, 0x5207, 0) < 0) noSeed(4);
	if (!same(seconds, "-")) {
		u64 at = thousandths(seconds);
		struct time time = { (long)(at / 1000), (long)(at % 1000) * 1000000 };
		if (at == 0 || call(CLOCK_SETTIME, REALTIME, (long)&time, 0) < 0) {
			say("the clock could not be set to ");
			say(seconds);
			fail(5);
		}
	}
	removeAll(paths);
	u8 drawn[32];
	if (call(READ, device, (long)drawn, sizeof drawn) != sizeof drawn) {
		say("the random device gave nothing");
		fail(6);
	}
	say("random ");
	sayHash(drawn);
	say("\ntime ");
	sayTime(REALTIME);
	put(' ');
	sayTime(BOOTTIME);
	put('\n');
}

// wait: asks the kernel (rtnetlink).

enum { PAUSE_MS = 10, LATER_MS = 5000 };
enum { NEW_LINK = 16, GET_LINK = 18, NEW_ADDRESS = 20, GET_ADDRESS = 22, DONE = 3, DUMP = 0x301 };
enum { LINK_ADDRESS = 1, LINK_NAME = 3, ADDRESS = 1, LOCAL = 2 };
enum { INET = 2, INET6 = 10 };
struct header { u32 length; u16 type, flags; u32 sequence, port; };
struct link { u8 family, pad; u16 type; int index; u32 flags, change; };
struct address { u8 family, prefix, flags, scope; u32 index; };
struct attribute { u16 length, type; };

static char name[32];
static int index;
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
static void nap(void) {
	struct time pause = { 0, PAUSE_MS * 1000000 };
	call(NANOSLEEP, (long)&pause, 0, 0);
}
static void lookAtAddresses(int socket) {
	own = all = 0;
	look(socket, GET_ADDRESS);
}
static int waitFor(const char *seconds) {
	int socket = (int)call(SOCKET, 16, 3, 0);
	u64 end = milliseconds() + thousandths(seconds);
	for (; look(socket, GET_LINK), !index; nap()) {
		if (milliseconds() < end) continue;
		say("no interface with ");
		say(mac);
		say(" has appeared within ");
		say(seconds);
		say(" s");
		fail(1);
	}
	int isAny = same(wanted, "any") || same(wanted, "none");
	if (!same(wanted, "none")) {
		for (; lookAtAddresses(socket), !all; nap()) {
			if (milliseconds() < end) continue;
			say(name);
			say(" has no address after ");
			say(seconds);
			say(" s");
			fail(1);
		}
		// For how long another address, which came first, may be followed by the one that is waited for.
		for (end = milliseconds() + LATER_MS; !isAny && !own && milliseconds() < end; lookAtAddresses(socket)) nap();
	}
	// It may have been called otherwise at first.
	look(socket, GET_LINK);
	say("interface ");
	say(name);
	put('\n');
	saying = 1;
	lookAtAddresses(socket);
	return isAny || own ? 0 : OTHERS_ONLY;
}

__attribute__((noreturn, used)) static void start(long *stack) {
	long count = *stack;
	char **words = (char **)(stack + 1);
	const char *command = count > 1 ? words[1] : "";
	int code = 0;
	if (same(command, "begin") && count > 2) begin(words[2], words + 3);
	else if (same(command, "wait") && count == 5 && length(words[3]) < sizeof mac) {
		for (u64 i = 0; i <= length(words[3]); i++) mac[i] = words[3][i];
		wanted = words[4];
		code = waitFor(words[2]);
	} else if (same(command, "remove")) removeAll(words + 2);
	else if (same(command, "sync")) call(SYNC, 0, 0, 0);
	else {
		say("core: allowed are begin, wait, remove and sync");
		fail(2);
	}
	flush(1);
	leave(code);
}
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");
