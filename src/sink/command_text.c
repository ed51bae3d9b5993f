/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sink/command_text.h"
#include "util/escape.h"
#include "util/macro.h"

/*
 * Bytes of argv[0] before its last component. A title set by the program itself, such as
 * "sshd: user@pts/0", has no directory.
 */
static size_t directory_len(const char *s, size_t len)
{
	const char *slash = memrchr(s, '/', len);

	if (!slash || slash + 1 == s + len)
		return 0;
	if (*s != '/' && *s != '.' && memchr(s, ' ', (size_t)(slash - s)))
		return 0;
	return (size_t)(slash + 1 - s);
}

static void put_exe(struct strbuf *b, const char *exe, bool dirstrip)
{
	size_t len = strlen(exe);
	size_t skip = dirstrip ? directory_len(exe, len) : 0;

	escape_shell_word(b, exe + skip, len - skip);
}

static void put_comm(struct strbuf *b, const struct pevent_process *p, char open, char close)
{
	strbuf_putc(b, open);
	escape_text(b, p->comm, strnlen(p->comm, sizeof(p->comm)));
	strbuf_putc(b, close);
}

static void put_args(struct strbuf *b, const struct pevent_image *image,
		     struct command_style style)
{
	const char *args = image->args;
	size_t len = image->args_len;
	size_t first = strnlen(args, len);
	size_t skip = style.dirstrip ? directory_len(args, first) : 0;

	if (style.shortname)
		len = first;
	escape_args(b, args + skip, len - skip);
	if (!len)
		strbuf_append(b, "''", 2);	/* argv[0] is "" */
	if (image->args_total > image->args_len && !style.shortname) {
		strbuf_puts(b, " [... ");
		strbuf_put_u64(b, image->args_total);
		strbuf_puts(b, " bytes]");
	}
}

void command_text(struct strbuf *b, const struct pevent_process *p, struct command_style style)
{
	const struct pevent_image *image = p->image;
	bool args_known = image && image->args;

	if (style.comm) {
		if (p->comm[0])
			escape_text(b, p->comm, strnlen(p->comm, sizeof(p->comm)));
		else
			strbuf_putc(b, '-');
	} else if (p->kernel_thread && p->comm[0]) {
		put_comm(b, p, '[', ']');
	} else if (args_known && image->args_len) {
		put_args(b, image, style);
	} else if (p->comm[0] && (args_known || !image || !image->exe)) {
		put_comm(b, p, '(', ')');
	} else if (image && image->exe) {
		put_exe(b, image->exe, style.dirstrip);
	} else {
		strbuf_putc(b, '-');
	}
}

const char *command_program(const struct pevent_process *p, size_t *ret_len)
{
	const struct pevent_image *image = p->image;

	if (image && image->exe && *image->exe) {
		*ret_len = strlen(image->exe);
		return image->exe;
	}
	if (!p->kernel_thread && image && image->args && image->args_len && *image->args) {
		*ret_len = strnlen(image->args, image->args_len);
		return image->args;
	}
	if (p->comm[0]) {
		*ret_len = strnlen(p->comm, sizeof(p->comm));
		return p->comm;
	}
	return NULL;
}
