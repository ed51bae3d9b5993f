/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shortest life a program can have: it ends with status 0 at its first instruction. No C
 * start-up, so that nothing but a reader that is there before that instruction sees its arguments.
 */
#if defined(__x86_64__) || defined(__aarch64__)

void _start(void);

__attribute__((noreturn)) void _start(void)
{
	for (;;) {
#if defined(__x86_64__)
		__asm__ volatile("syscall" : : "a"(231), "D"(0) : "rcx", "r11", "memory");
#else
		register long x8 __asm__("x8") = 94;
		register long x0 __asm__("x0") = 0;

		__asm__ volatile("svc 0" : : "r"(x8), "r"(x0) : "memory");
#endif
	}
}

#else

int main(void)
{
	return 0;
}

#endif
