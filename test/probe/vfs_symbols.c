// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Symbols of a list in the form of /proc/kallsyms. usage: vfs_symbols FILE; prints what it finds. */
#include <errno.h>
#include <string.h>
#include "check.h"
#include "vfs/vfs.h"

static const char *const modules[] = { "nfs", "nfsv4", NULL };

int fail(__u32 code, int error, const char *format, ...)
{
	return -error;
}

static void found(const char *name, __u64 address)
{
	const struct symbol *s = symbols_find(name, modules);

	CHECK_EQ(name, s ? s->address : 0, address);
}

static void named(__u64 address, const char *name, const char *module)
{
	const struct symbol *s = symbols_at(address);

	CHECK_EQ(name, s && !strcmp(s->name, name), 1);
	CHECK_EQ(module ? module : "no module", module ? s->module && !strcmp(s->module, module) : !s->module, 1);
}

int main(int argc, char **argv)
{
	CHECK_EQ("a file that is not there", symbols_load("/nonexistent"), -ENOENT);
	CHECK_EQ("the list", symbols_load(argv[1]), 0);
	found("nfs_sops", 0xffffffffc0101000);
	found("nfs4_sops", 0xffffffffc0202000); /* the second module's */
	found("page_symlink_inode_operations", 0xffffffff82000000); /* the kernel's own */
	found("cifs_file_ops", 0); /* of a module that was not asked for */
	found("nfs", 0);
	named(0xffffffffc0100010, "nfs_file_read", "nfs");
	named(0xffffffff81000040, "generic_read_dir", NULL); /* of two names the first, and no data */
	CHECK_EQ("an address within a function", symbols_at(0xffffffffc0100011) != NULL, 0);
	CHECK_EQ("data", symbols_at(0xffffffffc0101000) != NULL, 0);
	symbols_free();
	CHECK_EQ("nothing is left", symbols_at(0xffffffffc0100010) != NULL, 0);
	return 0;
}
