// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The callbacks' functions in the BTF of their modules: the prototype with its names, and what fentry attaches to. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "vfs.h"

#define MAX_MODULES 8

static struct module {
	char name[16];
	struct btf *btf; /* NULL = it has none */
	int fd;
} modules[MAX_MODULES];
static int n_modules;

/* The kernel's handle on a module's BTF; -1 when it has none. */
static int btf_fd_of(const char *module)
{
	__u32 id = 0;

	while (!bpf_btf_get_next_id(id, &id)) {
		char name[64] = "";
		struct bpf_btf_info info = { .name = (__u64)(unsigned long)name, .name_len = sizeof(name) };
		__u32 size = sizeof(info);
		const int fd = bpf_btf_get_fd_by_id(id);

		if (fd < 0)
			continue; /* it has gone meanwhile */
		if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.kernel_btf && !strcmp(name, module))
			return fd;
		close(fd);
	}
	return -1;
}

static struct module *module_of(const char *name, struct btf *kernel)
{
	char path[80];
	struct module *m;

	for (int i = 0; i < n_modules; i++)
		if (!strcmp(modules[i].name, name))
			return &modules[i];
	if (n_modules == MAX_MODULES)
		return NULL;
	m = &modules[n_modules++];
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->fd = -1;
	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", name);
	if (access(path, R_OK))
		return m;
	m->btf = btf__load_module_btf(name, kernel);
	if (m->btf)
		m->fd = btf_fd_of(name);
	return m;
}

/* Among the module's own functions: the kernel may have one of the same name. */
static __u32 own_function(const struct btf *btf, const struct btf *kernel, const char *name)
{
	const __u32 first = btf == kernel ? 1 : btf__type_cnt(kernel);

	for (__u32 id = first; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_is_func(type) && !strcmp(btf__name_by_offset(btf, type->name_off), name))
			return id;
	}
	return 0;
}

static void find(struct vfs_callback *c, struct btf *kernel)
{
	const bool in_kernel = !strcmp(c->said.module, "vmlinux");
	struct module *m = in_kernel ? NULL : module_of(c->said.module, kernel);
	const struct btf *btf = in_kernel ? kernel : m ? m->btf : NULL;
	const __u32 id = btf ? own_function(btf, kernel, c->said.function) : 0;

	if (!id) {
		kinds_find(c, kernel, c->prototype);
		snprintf(c->said.why, sizeof(c->said.why), btf ? "not in BTF" : "the module %.16s has no BTF", c->said.module);
		return;
	}
	kinds_find(c, btf, btf__type_by_id(btf, btf__type_by_id(btf, id)->type));
	c->btf_fd = in_kernel ? 0 : m->fd;
	c->btf_id = c->btf_fd < 0 ? 0 : id;
}

void functions_find(struct vfs_callbacks *callbacks, struct btf *kernel)
{
	for (__u32 i = 0; i < callbacks->n; i++)
		if (callbacks->list[i].said.function[0])
			find(&callbacks->list[i], kernel);
}

void functions_free(void)
{
	for (int i = 0; i < n_modules; i++) {
		btf__free(modules[i].btf);
		if (modules[i].fd >= 0)
			close(modules[i].fd);
	}
	n_modules = 0;
}
