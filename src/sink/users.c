/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pwd.h>

#include "sink/users.h"
#include "util/hash.h"
#include "util/list.h"
#include "util/macro.h"

#define USERS_MAX 1024
#define USERS_KEEP_NS (600 * NSEC_PER_SEC)
#define USERS_RECORD_MAX ((size_t)64 << 10)

struct user {
	struct hash_node node;
	struct list by_use;	/* the one used last at the end */
	uint64_t asked_ns;
	char *name;		/* NULL: none */
};

struct users {
	struct hash table;
	struct list by_use;
	struct user *last;	/* most events in a row are one user's */
};

int users_new(struct users **ret)
{
	struct users *u = calloc(1, sizeof(*u));
	int r;

	if (!u)
		return -ENOMEM;
	list_init(&u->by_use);
	r = hash_init(&u->table, USERS_MAX);
	if (r < 0) {
		free(u);
		return r;
	}
	*ret = u;
	return 0;
}

static void user_drop(struct users *u, struct user *user)
{
	if (u->last == user)
		u->last = NULL;
	hash_remove(&u->table, &user->node);
	list_remove(&user->by_use);
	free(user->name);
	free(user);
}

struct users *users_free(struct users *u)
{
	if (!u)
		return NULL;
	while (!list_empty(&u->by_use))
		user_drop(u, CONTAINER_OF(u->by_use.next, struct user, by_use));
	hash_finish(&u->table);
	free(u);
	return NULL;
}

static char *ask(uint32_t uid)
{
	_cleanup_(free_p) char *buf = NULL;
	struct passwd pw, *found = NULL;
	size_t size = 1024;
	int r;

	do {
		char *larger = realloc(buf, size);

		if (!larger)
			return NULL;
		buf = larger;
		r = getpwuid_r(uid, &pw, buf, size, &found);
		size *= 2;
	} while (r == ERANGE && size <= USERS_RECORD_MAX);
	return !r && found && *found->pw_name ? strdup(found->pw_name) : NULL;
}

static struct user *user_add(struct users *u, uint32_t uid)
{
	struct user *user;

	if (u->table.count >= USERS_MAX)
		user_drop(u, CONTAINER_OF(u->by_use.next, struct user, by_use));
	user = calloc(1, sizeof(*user));
	if (!user || hash_insert(&u->table, &user->node, uid) < 0) {
		free(user);
		return NULL;
	}
	list_append(&u->by_use, &user->by_use);
	return user;
}

const char *users_name(struct users *u, uint32_t uid, uint64_t now_ns)
{
	struct user *user = u->last;
	struct hash_node *node;

	if (user && user->node.key == uid && now_ns - user->asked_ns < USERS_KEEP_NS)
		return user->name;
	node = hash_find(&u->table, uid);
	user = node ? CONTAINER_OF(node, struct user, node) : NULL;
	/* An event may be a little older than the one before; that is no reason to ask again. */
	if (user && now_ns > user->asked_ns && now_ns - user->asked_ns >= USERS_KEEP_NS) {
		user_drop(u, user);
		user = NULL;
	}
	if (!user) {
		user = user_add(u, uid);
		if (!user)
			return NULL;
		user->asked_ns = now_ns;
		user->name = ask(uid);
	} else {
		list_remove(&user->by_use);
		list_append(&u->by_use, &user->by_use);
	}
	u->last = user;
	return user->name;
}
