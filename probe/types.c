// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The types of the kernel and of its modules, read once for all that ask for them while a probe loads. One system call copies the kernel's
 * own; the file in sysfs gives it in 1,200 pieces of a page, which takes a second on a slow machine.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "probe.h"

#define MAX_OWNERS 8

static struct types known[MAX_OWNERS];
static int n_known;

/* The running kernel's BTF of this name, not what a program brought with it. `fd` is to be closed; -1: there is none. */
static int fd_of(const char *owner, __u32 *id)
{
	*id = 0;
	while (!bpf_btf_get_next_id(*id, id)) {
		char name[64] = "";
		struct bpf_btf_info info = { .name = (__u64)(unsigned long)name, .name_len = sizeof(name) };
		__u32 size = sizeof(info);
		const int fd = bpf_btf_get_fd_by_id(*id);

		if (fd < 0)
			continue; /* it has gone meanwhile */
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.kernel_btf && !strcmp(name, owner))
			return fd;
		close(fd);
	}
	return -1;
}

static void load_kernel(struct types *types)
{
	__u32 id;
	const int fd = fd_of(KERNEL, &id);

	if (fd >= 0) {
		types->btf = btf__load_from_kernel_by_id(id);
		close(fd);
	}
	if (!types->btf)
		types->btf = btf__load_vmlinux_btf();
	types->first = 1;
}

static void load_module(struct types *types)
{
	const struct types *kernel = types_of(KERNEL);
	__u32 id;

	types->fd = kernel ? fd_of(types->owner, &id) : -1;
	if (types->fd >= 0)
		types->btf = btf__load_from_kernel_by_id_split(id, kernel->btf);
	if (types->btf)
		types->first = btf__type_cnt(kernel->btf);
}

const struct types *types_of(const char *owner)
{
	struct types *types;

	for (int i = 0; i < n_known; i++)
		if (!strcmp(known[i].owner, owner))
			return known[i].btf ? &known[i] : NULL;
	/* the kernel's own come first: a module's are on top of them */
	if (strcmp(owner, KERNEL) && !types_of(KERNEL))
		return NULL;
	if (n_known == MAX_OWNERS) {
		errno = ENOSPC;
		return NULL;
	}
	types = &known[n_known++];
	*types = (struct types){};
	snprintf(types->owner, sizeof(types->owner), "%s", owner);
	if (strcmp(owner, KERNEL))
		load_module(types);
	else
		load_kernel(types);
	return types->btf ? types : NULL;
}

/* Among its own alone: the kernel may have one of the same name, and to look through its 150,000 takes its time. */
__u32 types_find(const struct types *types, const char *name, __u32 kind)
{
	const __u32 end = btf__type_cnt(types->btf);

	for (__u32 id = types->first; id < end; id++) {
		const struct btf_type *type = btf__type_by_id(types->btf, id);

		if (btf_kind(type) == kind && !strcmp(btf__name_by_offset(types->btf, type->name_off), name))
			return id;
	}
	return 0;
}

void types_free(void)
{
	while (n_known > 0) {
		struct types *last = &known[--n_known];

		btf__free(last->btf);
		if (last->fd > 0)
			close(last->fd);
	}
}
