// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The callbacks of the running kernel: the tables lie in its memory, the names of their members are in its BTF, and the functions that
 * they point to in its symbols.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "vfs.h"

/* Called for every name that a path walk compares, never waiting for anything: hooks there would cost much and show nothing. */
static bool left_out(const char *member)
{
	return !strcmp(member, "d_hash") || !strcmp(member, "d_compare");
}

/* The prototype of a member that is a pointer to a function. */
static const struct btf_type *prototype_of(const struct btf *btf, const struct btf_member *member)
{
	const struct btf_type *type = btf__type_by_id(btf, btf__resolve_type(btf, member->type));

	if (!type || !btf_is_ptr(type))
		return NULL;
	type = btf__type_by_id(btf, btf__resolve_type(btf, type->type));
	return type && btf_is_func_proto(type) ? type : NULL;
}

static struct vfs_callback *known(struct vfs_callbacks *callbacks, __u64 address)
{
	for (__u32 i = 0; i < callbacks->n; i++)
		if (callbacks->list[i].address == address)
			return &callbacks->list[i];
	return NULL;
}

static bool of_protocol(const struct symbol *function, const struct vfs_protocol *protocol, bool built_in)
{
	if (!function->module)
		return built_in && strstr(function->name, protocol->modules[0]); /* built in: nothing but the name tells whose it is */
	for (const char *const *module = protocol->modules; *module; module++)
		if (!strcmp(function->module, *module))
			return true;
	return false;
}

static int add(struct vfs_callbacks *callbacks, const struct vfs_table *table, const char *member, __u64 address, bool built_in, const struct vfs_protocol *protocol)
{
	const struct symbol *function = symbols_at(address);
	struct vfs_callback *c;

	if (known(callbacks, address))
		return 0;
	if (callbacks->n == AOD_VFS_CALLBACKS)
		return fail(1, 0, "more than %d callbacks", AOD_VFS_CALLBACKS);
	c = &callbacks->list[callbacks->n];
	memset(c, 0, sizeof(*c));
	c->address = address;
	c->said.id = callbacks->n++;
	c->said.type = c->config.type = table->vfs_type;
	snprintf(c->said.member, sizeof(c->said.member), "%s", member);
	snprintf(c->said.table, sizeof(c->said.table), "%s", table->name);
	if (!function) {
		snprintf(c->said.why, sizeof(c->said.why), "its address has no symbol");
		return 0;
	}
	snprintf(c->said.function, sizeof(c->said.function), "%s", function->name);
	snprintf(c->said.module, sizeof(c->said.module), "%s", function->module ? function->module : "vmlinux");
	c->said.shared = c->config.shared = !of_protocol(function, protocol, built_in);
	return 0;
}

static int read_table(const struct vfs_protocol *protocol, const struct vfs_table *table, const struct symbol *symbol, const struct btf *btf, struct vfs_callbacks *callbacks)
{
	const int id = btf__find_by_name_kind(btf, table->type, BTF_KIND_STRUCT);
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, id) : NULL;
	static char content[AOD_VFS_PEEK];
	int err;

	if (!type)
		return 0;
	err = peek(symbol->address, content, type->size);
	if (err)
		return fail(3, -err, "cannot read %s from the kernel's memory", table->name);
	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const struct btf_type *prototype = prototype_of(btf, member);
		const char *name = btf__name_by_offset(btf, member->name_off);
		const __u32 offset = btf_member_bit_offset(type, i) / 8;
		__u64 address = 0;
		__u32 before = callbacks->n;

		if (!prototype || left_out(name) || offset + sizeof(address) > type->size)
			continue;
		memcpy(&address, content + offset, sizeof(address));
		if (!address)
			continue;
		err = add(callbacks, table, name, address, !symbol->module, protocol);
		if (err)
			return err;
		if (callbacks->n > before)
			callbacks->list[before].prototype = prototype;
	}
	return 0;
}

int tables_read(const struct vfs_protocol *protocol, const struct options *options, const struct btf *kernel, struct vfs_callbacks *callbacks)
{
	bool found = false, hidden = false;

	callbacks->n = 0;
	for (size_t i = 0; i < protocol->n_tables; i++) {
		const struct vfs_table *table = &protocol->tables[i];
		const struct symbol *symbol;
		int err;

		if (!(options->types >> (table->vfs_type - 1) & 1))
			continue;
		symbol = symbols_find(table->name, protocol->modules);
		if (!symbol)
			continue;
		found = true;
		hidden = !symbol->address;
		err = hidden ? 0 : read_table(protocol, table, symbol, kernel, callbacks);
		if (err)
			return err;
	}
	if (hidden)
		return fail(3, 0, "/proc/kallsyms hides addresses; run: sysctl kernel.kptr_restrict=1");
	if (!found)
		return fail(3, 0, "/proc/kallsyms has none of the module's tables of callbacks (CONFIG_KALLSYMS_ALL)");
	return 0;
}
