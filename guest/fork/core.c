// What the scripts of a fork cannot do in a shell, or would start many programs for: each takes tens of milliseconds and of
// pages under emulation, and this one of some kilobytes without libraries next to nothing. Linux, x86_64.
//   gcc -Os -std=c11 -ffreestanding -fno-builtin -fno-stack-protector -fno-pie -no-pie -mgeneral-regs-only -nostdlib -static
//     -fno-asynchronous-unwind-tables -Wl,-z,noseparate-code,--build-id=none,-z,norelro -s core.c -o core
//
//   core become SECONDS|- PATH... -- PROGRAM ARGUMENT...
//                                     gives the random number generator the seed in the first line of standard input
//                                     (base64), and has it used at once: forked machines share its state, until then two of
//                                     them "randomly" make the same keys. Then sets the clock to SECONDS since 1970 (-:
//                                     leaves it), and removes the files. Says: random, a hash of 32 new bytes of the random
//                                     device; and time, with how long the machine has been running then. The program with
//                                     the rest of the input takes its place: another process would be the most of the work
//   core become-on PORT SECONDS|- PATH... -- PROGRAM ARGUMENT...
//                                     the same, and what both say goes to PORT; the program finds its standard output as 3
//   core wait SECONDS MAC none|any|ADDRESS,... [PORT]
//                                     waits for the interface, and for one of the addresses, or any. Says: interface, and
//                                     address for each that it has. Ends with 3 when it has come to have others only.
//                                     Writes `linked` to PORT when somebody has put the interface to use
//   core remove PATH...               files that may not be there
// With become the program, and with wait the script that calls it, is not kept waiting any more by what another clock, name or
// address has woken; what these start is as ever.
//   core sync
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

enum { READ = 0, WRITE = 1, OPEN = 2, CLOSE = 3, POLL = 7, IOCTL = 16, DUP2 = 33, SOCKET = 41, SENDTO = 44, RECVFROM = 45, BIND = 49,
	EXECVE = 59, EXIT = 60, UNLINK = 87, GETPPID = 110, SETPRIORITY = 141, SETSCHEDULER = 144, SYNC = 162, CLOCK_SETTIME = 227, CLOCK_GETTIME = 228 };
enum { ENOENT = 2, REALTIME = 0, BOOTTIME = 7 };
enum { OTHERS_ONLY = 3, RESET_ON_FORK = 0x40000000 };

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
static void goFirst(long process) {
	int parameters = 0;
	call(SETSCHEDULER, process, RESET_ON_FORK, (long)&parameters);
	call(SETPRIORITY, 0, process, -20);
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

#include "sha256.h"

// become

enum { SMALLEST_SEED = 32 };
static struct { u32 bits, length; u8 seed[256]; } pool;
static void takeSeed(void) {
	char text[512];
	u64 count = 0;
	// One by one: what comes after the line is the program's.
	while (count < sizeof text && call(READ, 0, (long)(text + count), 1) > 0 && text[count] != '\n') count++;
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
__attribute__((noreturn)) static void become(const char *port, const char *seconds, char **paths, char **program, char **environment) {
	if (port) {
		call(DUP2, 1, 3, 0);
		long file = call(OPEN, (long)port, 1, 0);
		if (file < 0) {
			say("cannot open ");
			say(port);
			fail(8);
		}
		call(DUP2, file, 1, 0);
		// A port is opened once at a time.
		call(CLOSE, file, 0, 0);
	}
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
	goFirst(0);
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
	flush(1);
	call(EXECVE, (long)*program, (long)program, (long)environment);
	say("cannot run ");
	say(*program);
	fail(7);
}

#include "wait.h"

__attribute__((noreturn, used)) static void start(long *stack) {
	long count = *stack;
	char **words = (char **)(stack + 1);
	const char *command = count > 1 ? words[1] : "";
	int code = 0;
	int toPort = same(command, "become-on");
	if ((toPort || same(command, "become")) && count > 4 + toPort) {
		char **seconds = words + 2 + toPort, **program = seconds + 1;
		while (*program && !same(*program, "--")) program++;
		if (program[0] && program[1]) {
			*program = 0;
			become(toPort ? words[2] : 0, *seconds, seconds + 1, program + 1, words + count + 1);
		}
		command = "";
	}
	if (same(command, "wait") && (count == 5 || count == 6) && length(words[3]) < sizeof mac) {
		for (u64 i = 0; i <= length(words[3]); i++) mac[i] = words[3][i];
		wanted = words[4];
		code = waitFor(words[2], words[5]);
	} else if (same(command, "remove")) removeAll(words + 2);
	else if (same(command, "sync")) call(SYNC, 0, 0, 0);
	else {
		say("core: allowed are become, become-on, wait, remove and sync");
		fail(2);
	}
	flush(1);
	leave(code);
}
__asm__(".globl _start\n_start:\n\txor %ebp, %ebp\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");
