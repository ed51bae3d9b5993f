/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network_line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "replay_lines.h"
#include "util/macro.h"

enum form { UNSIGNED, SIGNED, BOOLEAN, ADDRESS };

/* A member of a struct, and of a line. */
struct field {
	const char *name;
	uint16_t offset;
	uint8_t size;
	uint8_t form;
	uint16_t unit;		/* of the line's number, in the member's; 0: the same */
};

#define FIELD(type, member, name, form) \
	{ name, offsetof(struct type, member), sizeof(((struct type *)0)->member), form, 0 }

/* include/trace/events/sock.h, and what perf says of every record */
static const struct field record_fields[] = {
#define RECORD(member, name, form) FIELD(tracepoint_record, member, name, form)
	RECORD(time_ns, "at", UNSIGNED), RECORD(skaddr, "skaddr", UNSIGNED),
	RECORD(pid, "pid", SIGNED), RECORD(tid, "tid", SIGNED), RECORD(cpu, "cpu", UNSIGNED),
	RECORD(lost, "lost", UNSIGNED),
	RECORD(family, "family", UNSIGNED), RECORD(protocol, "protocol", UNSIGNED),
	RECORD(old_state, "oldstate", SIGNED), RECORD(new_state, "newstate", SIGNED),
	RECORD(local_port, "sport", UNSIGNED), RECORD(remote_port, "dport", UNSIGNED),
	RECORD(local, "saddr", ADDRESS), RECORD(remote, "daddr", ADDRESS),
	RECORD(mapped, "mapped", BOOLEAN),
	RECORD(returned, "ret", SIGNED), RECORD(flags, "flags", UNSIGNED),
#undef RECORD
};

/* linux/inet_diag.h */
static const struct field id_fields[] = {
#define ID(member, name, form) FIELD(inet_diag_id, member, name, form)
	ID(family, "idiag_family", UNSIGNED), ID(protocol, "sdiag_protocol", UNSIGNED),
	ID(local_port, "idiag_sport", UNSIGNED), ID(remote_port, "idiag_dport", UNSIGNED),
	ID(local, "idiag_src", ADDRESS), ID(remote, "idiag_dst", ADDRESS),
	ID(ifindex, "idiag_if", UNSIGNED), ID(cookie, "idiag_cookie", UNSIGNED),
#undef ID
};

/* linux/inet_diag.h, linux/tcp.h */
static const struct field socket_fields[] = {
#define SOCKET(member, name, form) FIELD(inet_diag_socket, member, name, form)
#define TCP(member, name) SOCKET(tcp.member, "tcpi_" name, UNSIGNED)
	SOCKET(mapped, "mapped", BOOLEAN), SOCKET(state, "idiag_state", UNSIGNED),
	SOCKET(uid, "idiag_uid", UNSIGNED), SOCKET(inode, "idiag_inode", UNSIGNED),
	SOCKET(tcp.has, "has", UNSIGNED),
	{ "tcpi_rtt", offsetof(struct inet_diag_socket, tcp.rtt_ns), 8, UNSIGNED, NSEC_PER_USEC },
	TCP(total_retrans, "total_retrans"), TCP(bytes_acked, "bytes_acked"),
	TCP(bytes_received, "bytes_received"), TCP(segs_out, "segs_out"), TCP(segs_in, "segs_in"),
	TCP(data_segs_in, "data_segs_in"), TCP(data_segs_out, "data_segs_out"),
	TCP(bytes_sent, "bytes_sent"), TCP(bytes_retrans, "bytes_retrans"),
#undef TCP
#undef SOCKET
};

static const struct field found_fields[] = {
	FIELD(network_found, inode, "idiag_inode", UNSIGNED),
	FIELD(network_found, tgid, "tgid", SIGNED), FIELD(network_found, packet_ns, "at", UNSIGNED),
	FIELD(network_found, shared, "shared", BOOLEAN),
};

static const struct field account_fields[] = {
#define ACCOUNT(member, form) FIELD(network_account, member, #member, form)
	ACCOUNT(captures, BOOLEAN), ACCOUNT(notices_open, BOOLEAN),
	ACCOUNT(perf, BOOLEAN), ACCOUNT(udp, BOOLEAN), ACCOUNT(lookups, BOOLEAN),
	ACCOUNT(packets, UNSIGNED), ACCOUNT(records, UNSIGNED), ACCOUNT(notices, UNSIGNED),
	ACCOUNT(packets_dropped, UNSIGNED), ACCOUNT(records_lost, UNSIGNED),
	ACCOUNT(notices_lost, UNSIGNED), ACCOUNT(other_packets, UNSIGNED),
	ACCOUNT(skipped_packets, UNSIGNED), ACCOUNT(namespaces, UNSIGNED),
	ACCOUNT(namespaces_peak, UNSIGNED), ACCOUNT(namespaces_refused, UNSIGNED),
#undef ACCOUNT
};

static const struct field line_fields[NETWORK_LINE_COUNT][3] = {
#define LINE(member, name, form) FIELD(network_line, member, name, form)
	[NETWORK_LINE_PACKETS] = { LINE(netns, "netns", UNSIGNED),
				   LINE(u.packets, "n", UNSIGNED) },
	[NETWORK_LINE_DESTROYED] = { LINE(netns, "netns", UNSIGNED), LINE(at_ns, "at", UNSIGNED) },
	[NETWORK_LINE_EXISTING] = { LINE(netns, "netns", UNSIGNED) },
	[NETWORK_LINE_FOUND] = { LINE(netns, "netns", UNSIGNED) },
	[NETWORK_LINE_UDP] = { LINE(u.udp.on, "on", BOOLEAN),
			       LINE(u.udp.time_ns, "at", UNSIGNED) },
	[NETWORK_LINE_UDP_PROCESS] = { LINE(u.udp.tgid, "tgid", SIGNED),
				       LINE(u.udp.on, "on", BOOLEAN),
				       LINE(u.udp.time_ns, "at", UNSIGNED) },
	[NETWORK_LINE_LOST] = { LINE(u.lost, "n", UNSIGNED) },
	[NETWORK_LINE_ENTERED] = { LINE(netns, "netns", UNSIGNED), LINE(at_ns, "at", UNSIGNED) },
	[NETWORK_LINE_LEFT] = { LINE(netns, "netns", UNSIGNED) },
	[NETWORK_LINE_DRAINED] = { LINE(u.drained.packets_until, "packets_until", UNSIGNED),
				   LINE(u.drained.records_until, "records_until", UNSIGNED) },
#undef LINE
};

static const char *const kind_names[NETWORK_LINE_COUNT] = {
	[NETWORK_LINE_PACKETS] = "packets", [NETWORK_LINE_DESTROYED] = "destroyed",
	[NETWORK_LINE_EXISTING] = "existing", [NETWORK_LINE_FOUND] = "found",
	[NETWORK_LINE_UDP] = "udp", [NETWORK_LINE_UDP_PROCESS] = "udp_process",
	[NETWORK_LINE_LOST] = "lost", [NETWORK_LINE_ENTERED] = "entered",
	[NETWORK_LINE_LEFT] = "left", [NETWORK_LINE_DRAINED] = "drained",
};

static const char *const record_names[TRACEPOINT_COUNT + 1] = {
	[TRACEPOINT_STATE] = "inet_sock_set_state", [TRACEPOINT_SEND] = "sock_send_length",
	[TRACEPOINT_RECEIVE] = "sock_recv_length", [TRACEPOINT_LOST] = "PERF_RECORD_LOST",
};

static const char *name_of(const struct network_line *line)
{
	return line->kind == NETWORK_LINE_RECORD ? record_names[line->u.record.kind]
						 : kind_names[line->kind];
}

/* 64 unsigned bits are written as if they were signed ones: JSON's readers know no others. */
static int64_t load(const struct field *f, const void *from)
{
	const char *p = (const char *)from + f->offset;

	switch (f->size) {
	case 1:
		return *(const uint8_t *)p;
	case 2:
		return load_u16(p);
	case 4:
		return f->form == SIGNED ? (int64_t)(int32_t)load_u32(p) : (int64_t)load_u32(p);
	default:
		return (int64_t)load_u64(p);
	}
}

static void store(const struct field *f, int64_t v, void *to)
{
	const uint8_t v8 = f->form == BOOLEAN ? v != 0 : (uint8_t)v;
	const uint16_t v16 = (uint16_t)v;
	const uint32_t v32 = (uint32_t)v;

	memcpy((char *)to + f->offset, f->size == 1 ? (const void *)&v8 :
				       f->size == 2 ? (const void *)&v16 :
				       f->size == 4 ? (const void *)&v32 : &v, f->size);
}

static void put_address(struct strbuf *b, const struct field *f, const void *from, int family)
{
	const uint8_t *address = (const uint8_t *)from + f->offset;
	static const uint8_t none[16];
	char text[INET6_ADDRSTRLEN];

	if (memcmp(address, none, sizeof(none)) != 0)
		strbuf_printf(b, ",\"%s\":\"%s\"", f->name,
			      inet_ntop(family == AF_INET6 ? AF_INET6 : AF_INET, address, text,
					sizeof(text)));
}

static void get_address(struct json_object *object, const struct field *f, void *to)
{
	uint8_t address[16] = { 0 };
	struct json_object *v;
	const char *text;

	if (!json_object_object_get_ex(object, f->name, &v) ||
	    !json_object_is_type(v, json_type_string))
		return;
	text = json_object_get_string(v);
	if (inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, address) == 1)
		memcpy((char *)to + f->offset, address, sizeof(address));
}

static void put_fields(struct strbuf *b, const struct field *f, size_t n, const void *from,
		       int family)
{
	for (; n && f->name; n--, f++) {
		int64_t v = f->form == ADDRESS ? 0 : load(f, from);

		if (f->form == ADDRESS)
			put_address(b, f, from, family);
		else if (v)
			strbuf_printf(b, ",\"%s\":%lld", f->name,
				      (long long)(f->unit ? v / f->unit : v));
	}
}

static void get_fields(struct json_object *object, const struct field *f, size_t n, void *to)
{
	for (; n && f->name; n--, f++) {
		uint64_t v = f->form == ADDRESS ? 0 : (uint64_t)replay_int(object, f->name);

		if (f->form == ADDRESS)
			get_address(object, f, to);
		else
			store(f, (int64_t)(f->unit ? v * f->unit : v), to);
	}
}

#define PUT(b, fields, from, family) put_fields(b, fields, ARRAY_SIZE(fields), from, family)
#define GET(object, fields, to) get_fields(object, fields, ARRAY_SIZE(fields), to)

void network_line_put(struct strbuf *b, const struct network_line *line)
{
	strbuf_printf(b, "{\"why\":\"socket\",\"time\":%lld,\"what\":\"%s\"",
		      (long long)line->time_ns, name_of(line));
	PUT(b, line_fields[line->kind], line, 0);
	switch (line->kind) {
	case NETWORK_LINE_RECORD:
		PUT(b, record_fields, &line->u.record, line->u.record.family);
		break;
	case NETWORK_LINE_DESTROYED:
	case NETWORK_LINE_EXISTING:
		PUT(b, id_fields, &line->u.socket.id, line->u.socket.id.family);
		PUT(b, socket_fields, &line->u.socket, 0);
		break;
	case NETWORK_LINE_FOUND:
		PUT(b, id_fields, &line->u.found.id, line->u.found.id.family);
		PUT(b, found_fields, &line->u.found, 0);
		break;
	case NETWORK_LINE_DRAINED:
		network_account_put(b, &line->u.drained.account);
		break;
	default:
		break;
	}
	strbuf_putc(b, '}');
}

static int index_of(const char *name, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (names[i] && !strcmp(names[i], name))
			return i;
	return -1;
}

static int get_kind(struct json_object *object, struct network_line *line)
{
	struct json_object *what;
	const char *name;
	int kind, record;

	if (!json_object_object_get_ex(object, "what", &what) ||
	    !json_object_is_type(what, json_type_string))
		return -EBADMSG;
	name = json_object_get_string(what);
	kind = index_of(name, kind_names, NETWORK_LINE_COUNT);
	record = index_of(name, record_names, ARRAY_SIZE(record_names));
	if (kind < 0 && record < 0)
		return -EBADMSG;
	line->kind = record < 0 ? (enum network_line_kind)kind : NETWORK_LINE_RECORD;
	if (record >= 0)
		line->u.record.kind = (enum tracepoint_kind)record;
	return 0;
}

int network_line_get(struct json_object *object, struct network_line *ret)
{
	struct network_line line = { .time_ns = (uint64_t)replay_int(object, "time") };
	int error = get_kind(object, &line);

	if (error < 0)
		return error;
	GET(object, line_fields[line.kind], &line);
	switch (line.kind) {
	case NETWORK_LINE_RECORD:
		GET(object, record_fields, &line.u.record);
		break;
	case NETWORK_LINE_DESTROYED:
	case NETWORK_LINE_EXISTING:
		GET(object, id_fields, &line.u.socket.id);
		GET(object, socket_fields, &line.u.socket);
		break;
	case NETWORK_LINE_FOUND:
		GET(object, id_fields, &line.u.found.id);
		GET(object, found_fields, &line.u.found);
		line.u.found.netns = line.netns;
		break;
	case NETWORK_LINE_DRAINED:
		network_account_get(object, &line.u.drained.account);
		break;
	default:
		break;
	}
	*ret = line;
	return 0;
}

void network_account_put(struct strbuf *b, const struct network_account *account)
{
	PUT(b, account_fields, account, 0);
}

void network_account_get(struct json_object *object, struct network_account *ret)
{
	GET(object, account_fields, ret);
}

bool network_account_equal(const struct network_account *a, const struct network_account *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(account_fields); i++)
		if (load(&account_fields[i], a) != load(&account_fields[i], b))
			return false;
	return true;
}
