/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"
#include "util/escape.h"

static struct strbuf out;

#define CHECK_ESCAPE(fn, input, want) do { \
	strbuf_reset(&out); \
	fn(&out, "" input, sizeof(input) - 1); \
	CHECK_STR(out.data, out.len, want); \
} while (0)

/* By the definition: decode the bits, then ask whether encoding gives the same bytes. */
static size_t encode(uint32_t code, char *s)
{
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n; i-- > 1; code >>= 6)
		s[i] = (char)(0x80 | (code & 0x3f));
	s[0] = (char)(lead[n] | code);
	return n;
}

TEST(utf8_every_code_point)
{
	for (uint32_t code = 0; code < 0x110800; code++) {
		bool valid = code < 0x110000 && (code < 0xd800 || code > 0xdfff);
		uint32_t got = 0xffffffff;
		char s[4];
		size_t n = encode(code, s);

		CHECK_EQ(utf8_decode(s, n, &got), valid ? n : 0);
		CHECK_EQ(got, valid ? code : 0xffffffff);
		CHECK(utf8_valid(s, n) == valid);
		for (size_t cut = 0; cut < n; cut++)
			CHECK_EQ(utf8_decode(s, cut, &got), 0);
	}
}

/* As many sequences are valid as there are code points of that length. */
TEST(utf8_nothing_else)
{
	static const unsigned char edge[] = { 0x00, 0x7f, 0x80, 0xbf, 0xc0, 0xff };
	unsigned int valid[5] = { 0 };
	uint32_t code;
	char s[4];

	for (uint32_t i = 0; i < 0x1000000; i++) {
		s[0] = (char)(i >> 16);
		s[1] = (char)(i >> 8);
		s[2] = (char)i;
		if (!(i & 0xffff))
			valid[1] += utf8_decode(s, 1, &code) == 1;
		if (!(i & 0xff))
			valid[2] += utf8_decode(s, 2, &code) == 2;
		valid[3] += utf8_decode(s, 3, &code) == 3;
	}
	CHECK_EQ(valid[1], 0x80);
	CHECK_EQ(valid[2], 0x800 - 0x80);
	CHECK_EQ(valid[3], 0x10000 - 0x800 - 0x800);
	for (uint32_t i = 0; i < 0x10000; i++) {
		s[0] = (char)(i >> 8);
		s[1] = (char)i;
		for (size_t k = 0; k < sizeof(edge) * sizeof(edge); k++) {
			s[2] = (char)edge[k / sizeof(edge)];
			s[3] = (char)edge[k % sizeof(edge)];
			valid[4] += utf8_decode(s, 4, &code) == 4;
		}
	}
	CHECK_EQ(valid[4], 0x100000 / 0x1000 * 4);
}

TEST(utf8_valid)
{
	CHECK(utf8_valid(NULL, 0));
	CHECK(utf8_valid("plain ascii\0\x01", 13));
	CHECK(utf8_valid("123456789 \xc3\xa9 123456789", 22));
	CHECK(!utf8_valid("123456789 \xc3", 11));
	CHECK(!utf8_valid("123456789 \xa9 123456789", 21));
}

TEST(text)
{
	CHECK_ESCAPE(escape_text, "", "");
	CHECK_ESCAPE(escape_text, "a 'b' \"c\" \\ $d", "a 'b' \"c\" \\\\ $d");
	CHECK_ESCAPE(escape_text, "a\\b\nc", "a\\\\b\\x0ac");
	CHECK_ESCAPE(escape_text, "\0", "\\x00");
	CHECK_ESCAPE(escape_text, "\x1b[31m", "\\x1b[31m");
	CHECK_ESCAPE(escape_text, "\x7f", "\\x7f");
	CHECK_ESCAPE(escape_text, "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5 \xf0\x9f\x90\xa7",
		     "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5 \xf0\x9f\x90\xa7");
	/* C1, raw and encoded. */
	CHECK_ESCAPE(escape_text, "\x9b", "\\x9b");
	CHECK_ESCAPE(escape_text, "\xc2\x9b", "\\u{9b}");
	CHECK_ESCAPE(escape_text, "\xc2\x80\xc2\x9f\xc2\xa0", "\\u{80}\\u{9f}\xc2\xa0");
	/* Bidi controls, line separators, and their neighbours. */
	CHECK_ESCAPE(escape_text, "a\xe2\x80\xae" "b", "a\\u{202e}b");
	CHECK_ESCAPE(escape_text, "\xd8\x9b\xd8\x9c\xd8\x9d", "\xd8\x9b\\u{61c}\xd8\x9d");
	CHECK_ESCAPE(escape_text, "\xe2\x80\x8d\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\x90",
		     "\xe2\x80\x8d\\u{200e}\\u{200f}\xe2\x80\x90");
	CHECK_ESCAPE(escape_text, "\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xe2\x80\xaf",
		     "\xe2\x80\xa7\\u{2028}\\u{2029}\\u{202a}\xe2\x80\xaf");
	CHECK_ESCAPE(escape_text, "\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa",
		     "\xe2\x81\xa5\\u{2066}\\u{2069}\xe2\x81\xaa");
	/* Truncated, overlong, surrogate, too high, lone continuation. */
	CHECK_ESCAPE(escape_text, "a\xe2\x82", "a\\xe2\\x82");
	CHECK_ESCAPE(escape_text, "\xe2\x82z", "\\xe2\\x82z");
	CHECK_ESCAPE(escape_text, "\xc0\xaf\xe0\x80\xaf", "\\xc0\\xaf\\xe0\\x80\\xaf");
	CHECK_ESCAPE(escape_text, "\xed\xa0\x80", "\\xed\\xa0\\x80");
	CHECK_ESCAPE(escape_text, "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80");
	CHECK_ESCAPE(escape_text, "\xbf\xff", "\\xbf\\xff");
	strbuf_reset(&out);
	escape_text(&out, NULL, 0);
	CHECK_EQ(out.len, 0);
}

TEST(text_every_byte)
{
	for (unsigned int c = 0; c < 256; c++) {
		char s = (char)c, want[8] = { s };

		strbuf_reset(&out);
		escape_text(&out, &s, 1);
		if (c < 0x20 || c >= 0x7f)
			snprintf(want, sizeof(want), "\\x%02x", c);
		if (c == '\\')
			snprintf(want, sizeof(want), "\\\\");
		test_bytes(__FILE__, __LINE__, out.data, out.len, want, strlen(want));
	}
}

TEST(shell_word)
{
	CHECK_ESCAPE(escape_shell_word, "", "''");
	CHECK_ESCAPE(escape_shell_word, "/usr/bin/x86_64-gcc+%@,:=.", "/usr/bin/x86_64-gcc+%@,:=.");
	CHECK_ESCAPE(escape_shell_word, "\xc3\xa9", "\xc3\xa9");
	CHECK_ESCAPE(escape_shell_word, "a b", "'a b'");
	CHECK_ESCAPE(escape_shell_word, "~", "'~'");
	CHECK_ESCAPE(escape_shell_word, "it's", "'it'\\''s'");
	CHECK_ESCAPE(escape_shell_word, "'", "''\\'''");
	CHECK_ESCAPE(escape_shell_word, "a\\b", "'a\\b'");
	CHECK_ESCAPE(escape_shell_word, "$x \xc3\xa9", "'$x \xc3\xa9'");
	CHECK_ESCAPE(escape_shell_word, "a\nb", "$'a\\x0ab'");
	CHECK_ESCAPE(escape_shell_word, "it's \\ \x1b", "$'it\\'s \\\\ \\x1b'");
	CHECK_ESCAPE(escape_shell_word, "\xe2\x80\xae", "$'\\u{202e}'");
	CHECK_ESCAPE(escape_shell_word, "\xff", "$'\\xff'");
	strbuf_reset(&out);
	escape_shell_word(&out, NULL, 0);
	CHECK_STR(out.data, out.len, "''");
}

TEST(args)
{
	CHECK_ESCAPE(escape_args, "", "");
	CHECK_ESCAPE(escape_args, "\0", "''");
	CHECK_ESCAPE(escape_args, "\0\0", "'' ''");
	CHECK_ESCAPE(escape_args, "ls\0", "ls");
	CHECK_ESCAPE(escape_args, "ls", "ls");
	CHECK_ESCAPE(escape_args, "ls\0-l\0\0/tmp\0", "ls -l '' /tmp");
	CHECK_ESCAPE(escape_args, "bash\0-c\0kill -SEGV $$\0", "bash -c 'kill -SEGV $$'");
	CHECK_ESCAPE(escape_args, "a\0b c", "a 'b c'");
	CHECK_ESCAPE(escape_args, "a\0\xe2\x82\0b\0", "a $'\\xe2\\x82' b");
	/* A sequence does not reach into the next argument. */
	CHECK_ESCAPE(escape_args, "a\0\xe2\0\x82\xac\0", "a $'\\xe2' $'\\x82\\xac'");
	/* An assignment only where a shell would take it for one. */
	CHECK_ESCAPE(escape_args, "A=1\0A=1\0", "'A=1' A=1");
	CHECK_ESCAPE(escape_args, "x\0", "x");
	strbuf_reset(&out);
	escape_args(&out, NULL, 0);
	CHECK_EQ(out.len, 0);
}

TEST(json)
{
	CHECK_ESCAPE(escape_json, "", "");
	CHECK_ESCAPE(escape_json, "plain /text/ it's", "plain /text/ it's");
	CHECK_ESCAPE(escape_json, "\"\\\b\f\n\r\t", "\\\"\\\\\\b\\f\\n\\r\\t");
	CHECK_ESCAPE(escape_json, "\0\x01\x1f\x7f", "\\u0000\\u0001\\u001f\\u007f");
	CHECK_ESCAPE(escape_json, "\xc2\x9b\xe2\x80\xae\xe2\x80\xa8",
		     "\\u009b\\u202e\\u2028");
	CHECK_ESCAPE(escape_json, "\xc3\xa9\xf0\x9f\x90\xa7", "\xc3\xa9\xf0\x9f\x90\xa7");
}

#define R "\xef\xbf\xbd"

/* The examples of The Unicode Standard, section 3.9, tables 3-8 to 3-11. */
TEST(json_maximal_subparts)
{
	CHECK_ESCAPE(escape_json, "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82" "A", R R R R R R R R "A");
	CHECK_ESCAPE(escape_json, "\xed\xa0\x80\xed\xbf\xbf\xed\xaf" "A", R R R R R R R R "A");
	CHECK_ESCAPE(escape_json, "\xf4\x91\x92\x93\xff" "A\x80\xbf" "B", R R R R R "A" R R "B");
	CHECK_ESCAPE(escape_json, "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf" "A", R R R R "A");
	CHECK_ESCAPE(escape_json, "x\xf0\x9f\x90", "x" R);
}

TEST(full_buffer)
{
	struct strbuf b = { .limit = 6 };

	escape_args(&b, "ab\0c d\0e\0", 9);
	CHECK(b.failed);
	CHECK(b.len <= 6 && !memcmp(b.data, "ab 'c d'", b.len));
	strbuf_finish(&b);
}

/* What bash prints for the script; its exit status. */
static int run_bash(const char *script, struct strbuf *ret)
{
	int fd[2], status;
	ssize_t n;
	pid_t pid;

	CHECK_EQ(pipe(fd), 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		setenv("LC_ALL", "C", 1);
		dup2(fd[1], STDOUT_FILENO);
		close(fd[0]);
		close(fd[1]);
		execlp("bash", "bash", "--norc", "-c", script, (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	do {
		char *p = strbuf_reserve(ret, 65536);

		n = p ? read(fd[0], p, 65536) : 0;
		if (n > 0)
			strbuf_commit(ret, (size_t)n);
	} while (n > 0);
	close(fd[0]);
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Bash takes every word back to what it was, bar code point escapes, which it does not know. */
TEST(bash_round_trip)
{
	static const char pieces[] =
		"ab0f'\\\" $`!*?[]{}()<>|&;#~=^%\n\t\x1b\x7f\x80\xff\xc3\xe2\x82";
	struct strbuf args = { 0 }, script = { 0 }, back = { 0 };
	uint32_t x = 1;
	int status;

	for (int c = 1; c < 256; c++) {
		const char word[] = { (char)c, '\0', 'f', (char)c, '0', '\0' };

		strbuf_append(&args, word, sizeof(word));
	}
	for (int i = 0; i < 2000; i++) {
		for (unsigned int n = x % 7; n > 0; n--) {
			x = x * 1664525 + 1013904223;
			strbuf_putc(&args, pieces[(x >> 16) % (sizeof(pieces) - 1)]);
		}
		x = x * 1664525 + 1013904223;
		x ^= x >> 16;
		strbuf_putc(&args, '\0');
	}
	strbuf_puts(&script, "printf '%s\\0' ");
	escape_args(&script, args.data, args.len);
	strbuf_putc(&script, '\0');
	CHECK(!script.failed && script.len < 128 * 1024);
	CHECK(!strstr(script.data, "\\u{"));

	status = run_bash(script.data, &back);
	if (status == 127)
		SKIP("no bash");
	CHECK_EQ(status, 0);
	test_bytes(__FILE__, __LINE__, back.data, back.len, args.data, args.len);
	strbuf_finish(&args);
	strbuf_finish(&script);
	strbuf_finish(&back);
}

TEST(finish)
{
	strbuf_finish(&out);
	CHECK(!out.data);
}

TEST_MAIN()
