# Linux, x86_64, no libraries: gives the kernel's random number generator the seed on standard input, and has it used at
# once. Forked machines share the generator's state: until then two of them "randomly" make the same keys.
#   as reseed.s -o reseed.o && ld -s -n --no-warn-mismatch -o reseed reseed.o
# Ends with 0, or with the number of the step that failed: 1 no seed, 2 no /dev/urandom, 3 not taken, 4 not used.
	.globl _start
	.text
_start:
	xor %eax, %eax			# read(0, seed, 256)
	xor %edi, %edi
	mov $seed, %esi
	mov $256, %edx
	syscall
	mov $1, %ebx
	cmp $32, %rax
	jl fail
	mov %eax, length
	shl $3, %eax
	mov %eax, bits
	mov $2, %eax			# open("/dev/urandom", O_RDWR)
	mov $device, %edi
	mov $2, %esi
	xor %edx, %edx
	syscall
	mov $2, %ebx
	test %rax, %rax
	js fail
	mov %rax, %r12
	mov $16, %eax			# ioctl(device, RNDADDENTROPY, { bits, length, seed })
	mov %r12, %rdi
	mov $0x40085203, %esi
	mov $bits, %edx
	syscall
	mov $3, %ebx
	test %rax, %rax
	js fail
	mov $16, %eax			# ioctl(device, RNDRESEEDCRNG)
	mov %r12, %rdi
	mov $0x5207, %esi
	xor %edx, %edx
	syscall
	mov $4, %ebx
	test %rax, %rax
	js fail
	xor %ebx, %ebx
fail:
	mov %ebx, %edi			# exit
	mov $60, %eax
	syscall
device:	.asciz "/dev/urandom"
	.bss
	.balign 8
bits:	.space 4
length:	.space 4
seed:	.space 256
