// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the arguments of a callback are, by their types in BTF, and which of them say what it is about. */
#include <stdio.h>
#include <string.h>
#include "vfs.h"

static const struct {
	const char *type;
	__u8 kind;
} structs[] = {
	{ "file", AOD_VFS_K_FILE },
	{ "inode", AOD_VFS_K_INODE },
	{ "dentry", AOD_VFS_K_DENTRY },
	{ "path", AOD_VFS_K_PATH },
	{ "kiocb", AOD_VFS_K_KIOCB },
	{ "iov_iter", AOD_VFS_K_ITER },
	{ "folio", AOD_VFS_K_FOLIO },
	{ "page", AOD_VFS_K_PAGE },
	{ "address_space", AOD_VFS_K_MAPPING },
	{ "super_block", AOD_VFS_K_SUPER },
	{ "vm_area_struct", AOD_VFS_K_VMA },
	{ "vm_area_desc", AOD_VFS_K_VMA_DESC },
	{ "vm_fault", AOD_VFS_K_FAULT },
	{ "writeback_control", AOD_VFS_K_WBC },
	{ "file_lock", AOD_VFS_K_LOCK },
	{ "iattr", AOD_VFS_K_ATTR },
	{ "readahead_control", AOD_VFS_K_RACTL },
	{ "dir_context", AOD_VFS_K_DIR },
};

static const struct btf_type *resolve(const struct btf *btf, __u32 id)
{
	const int to = btf__resolve_type(btf, id);

	return to > 0 ? btf__type_by_id(btf, to) : NULL;
}

static const char *name_of(const struct btf *btf, const struct btf_type *type)
{
	return type ? btf__name_by_offset(btf, type->name_off) : "";
}

/* const struct path *: the struct; const char *: constant is set. */
static const struct btf_type *pointee(const struct btf *btf, const struct btf_type *pointer, bool *constant, bool *offset)
{
	const struct btf_type *type = btf__type_by_id(btf, pointer->type);

	*constant = *offset = false;
	while (type && (btf_is_mod(type) || btf_is_typedef(type))) {
		*constant |= btf_kind(type) == BTF_KIND_CONST;
		*offset |= btf_is_typedef(type) && !strcmp(name_of(btf, type), "loff_t");
		type = btf__type_by_id(btf, type->type);
	}
	return type;
}

static __u8 kind_of_pointer(const struct btf *btf, const struct btf_type *pointer)
{
	bool constant, offset;
	const struct btf_type *to = pointee(btf, pointer, &constant, &offset);

	if (offset)
		return AOD_VFS_K_OFFSET;
	if (!to)
		return AOD_VFS_K_OTHER;
	if (btf_is_int(to) && constant && !strcmp(name_of(btf, to), "char"))
		return AOD_VFS_K_TEXT;
	if (!btf_is_struct(to) && !btf_is_fwd(to))
		return AOD_VFS_K_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(structs); i++)
		if (!strcmp(name_of(btf, to), structs[i].type))
			return structs[i].kind;
	return AOD_VFS_K_OTHER;
}

static __u8 kind_of(const struct btf *btf, __u32 id, __u8 *shift)
{
	const struct btf_type *type = resolve(btf, id);

	*shift = 0;
	if (!type)
		return AOD_VFS_K_OTHER;
	if (btf_is_ptr(type))
		return kind_of_pointer(btf, type);
	if (!btf_is_int(type) && !btf_is_any_enum(type))
		return AOD_VFS_K_OTHER;
	*shift = type->size < 8 ? 64 - 8 * type->size : 0;
	return btf_is_int(type) && btf_int_encoding(type) & BTF_INT_SIGNED ? AOD_VFS_K_SIGNED : AOD_VFS_K_NUMBER;
}

static __u8 returns(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = id ? btf__type_by_id(btf, id) : NULL;

	if (type && btf_is_typedef(type) && !strcmp(name_of(btf, type), "vm_fault_t"))
		return AOD_VFS_R_FAULT;
	type = id ? resolve(btf, id) : NULL;
	if (!type)
		return AOD_VFS_R_VOID;
	if (btf_is_ptr(type))
		return AOD_VFS_R_POINTER;
	if (btf_is_int(type) && btf_int_encoding(type) & BTF_INT_BOOL)
		return AOD_VFS_R_BOOL;
	if (type->size == 8)
		return AOD_VFS_R_LONG;
	return btf_is_int(type) && !(btf_int_encoding(type) & BTF_INT_SIGNED) ? AOD_VFS_R_UNSIGNED : AOD_VFS_R_INT;
}

static bool names_inode(__u8 kind)
{
	return kind == AOD_VFS_K_INODE || kind == AOD_VFS_K_MAPPING || kind == AOD_VFS_K_FOLIO || kind == AOD_VFS_K_PAGE || kind == AOD_VFS_K_SUPER;
}

static bool has_dentry(__u8 kind)
{
	return kind == AOD_VFS_K_DENTRY || kind == AOD_VFS_K_PATH;
}

static bool has_file(__u8 kind)
{
	return kind == AOD_VFS_K_FILE || kind == AOD_VFS_K_KIOCB || kind == AOD_VFS_K_VMA || kind == AOD_VFS_K_VMA_DESC || kind == AOD_VFS_K_FAULT || kind == AOD_VFS_K_RACTL;
}

/* A file beside a directory entry is not open yet (atomic_open), a mapping beside a file is of it (mmap). */
static void choose_objects(struct aod_vfs_config *config)
{
	bool dentry = false, file = false;
	int n = 0;

	memset(config->objects, AOD_VFS_NO_ARG, sizeof(config->objects));
	for (int i = 0; i < AOD_VFS_ARGS && n < AOD_VFS_OBJECTS; i++) {
		const __u8 kind = config->kinds[i];

		if (has_dentry(kind) || (has_file(kind) && !dentry && !(file && kind != AOD_VFS_K_FILE))) {
			config->objects[n++] = i;
			dentry |= has_dentry(kind);
			file |= has_file(kind);
		}
	}
}

static void choose_subject(struct aod_vfs_config *config)
{
	config->subject = config->objects[0];
	config->second = AOD_VFS_NO_ARG;
	for (int i = 0; i < AOD_VFS_ARGS; i++) {
		if (!names_inode(config->kinds[i]))
			continue;
		if (config->subject == AOD_VFS_NO_ARG)
			config->subject = i;
		else if (config->second == AOD_VFS_NO_ARG)
			config->second = i;
	}
}

/* Only inode_operations take strings of the kernel's; those of file_operations lie in the caller's memory. */
static void choose_text(struct aod_vfs_config *config)
{
	config->text = AOD_VFS_NO_ARG;
	for (int i = 0; i < AOD_VFS_ARGS; i++) {
		if (config->kinds[i] != AOD_VFS_K_TEXT)
			continue;
		if (config->text == AOD_VFS_NO_ARG && config->type == AOD_VFS_INODE)
			config->text = i;
		else
			config->kinds[i] = AOD_VFS_K_OTHER;
	}
}

static void add_name(struct aod_vfs_callback *said, const char *name, int i)
{
	const size_t at = strlen(said->arguments);

	snprintf(said->arguments + at, sizeof(said->arguments) - at, "%s%s", i ? "," : "", name);
}

static bool is(const struct vfs_callback *c, const char *member)
{
	return !strcmp(c->said.member, member);
}

void kinds_find(struct vfs_callback *c, const struct btf *btf, const struct btf_type *prototype)
{
	struct aod_vfs_config *config = &c->config;
	const int n = btf_vlen(prototype);

	config->n_args = n < AOD_VFS_ARGS ? n : AOD_VFS_ARGS;
	c->said.n_args = n;
	for (int i = 0; i < config->n_args; i++) {
		const struct btf_param *param = &btf_params(prototype)[i];

		config->kinds[i] = kind_of(btf, param->type, &config->shifts[i]);
		add_name(&c->said, btf__name_by_offset(btf, param->name_off), i);
	}
	if (c->said.arguments[0] == ',')
		c->said.arguments[0] = '\0'; /* a pointer's prototype has no names */
	config->returns = c->said.returns = returns(btf, prototype->type);
	choose_objects(config);
	choose_subject(config);
	choose_text(config);
	/* the client moves the directory entry itself: rename, and unlink of what is still open */
	config->early = is(c, "rename") || is(c, "unlink");
	config->inode_ends = is(c, "free_inode") || is(c, "destroy_inode") || is(c, "evict_inode") || is(c, "d_iput");
	for (int i = 0; i < AOD_VFS_ARGS; i++)
		c->said.kinds[i] = config->kinds[i] == AOD_VFS_K_VMA_DESC ? AOD_VFS_K_VMA : config->kinds[i];
}
