// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The callbacks' functions in the BTF of their modules: the prototype with its names, and what fentry attaches to. */
#include <stdio.h>
#include "vfs.h"

static void find(struct vfs_callback *c, const struct btf *kernel)
{
	const struct types *types = types_of(c->said.module);
	const __u32 id = types ? types_find(types, c->said.function, BTF_KIND_FUNC) : 0;

	if (!id) {
		kinds_find(c, kernel, c->prototype);
		snprintf(c->said.why, sizeof(c->said.why), types ? "not in BTF" : "the module %.16s has no BTF", c->said.module);
		return;
	}
	kinds_find(c, types->btf, btf__type_by_id(types->btf, btf__type_by_id(types->btf, id)->type));
	c->btf_fd = types->fd;
	c->btf_id = types->fd < 0 ? 0 : id;
}

void functions_find(struct vfs_callbacks *callbacks, const struct btf *kernel)
{
	for (__u32 i = 0; i < callbacks->n; i++)
		if (callbacks->list[i].said.function[0])
			find(&callbacks->list[i], kernel);
}
