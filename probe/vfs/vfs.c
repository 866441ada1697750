// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The VFS probes: finds the callbacks, describes them to the programs, attaches them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "vfs.h"

static struct vfs_callbacks callbacks;
static struct aod_vfs_hello said;

static const struct section sections[] = {
	{ ".bss.tasks", sizeof(*vfs_memory.tasks) * AOD_VFS_TASKS, &vfs_memory.tasks },
	{ ".bss.stats", sizeof(*vfs_memory.stats) * AOD_VFS_DEVICES * AOD_VFS_CALLBACKS, &vfs_memory.stats },
	{ ".bss.devices", sizeof(*vfs_memory.devices) * AOD_VFS_DEVICES, &vfs_memory.devices },
	{ ".bss.losses", sizeof(*vfs_memory.losses), &vfs_memory.losses },
	{ ".data.tunables", sizeof(*vfs_memory.tunables), &vfs_memory.tunables },
};

/* How many returns of one function a kretprobe can wait for at once: register_kretprobe() in kernel/kprobes.c. */
static __u8 instances(void)
{
	long processors = sysconf(_SC_NPROCESSORS_CONF);
	struct utsname name;

	uname(&name);
	if (strstr(name.version, "PREEMPT") && 2 * processors > 10)
		processors *= 2;
	else if (strstr(name.version, "PREEMPT"))
		processors = 10;
	return processors > 255 ? 255 : processors < 1 ? 1 : processors;
}

static const struct vfs_protocol *protocol_of(const struct options *options)
{
	return options->probe == &nfs_vfs ? &nfs_protocol : &smb_protocol;
}

static int prepare(const struct options *options, struct bpf_object *object)
{
	static struct aod_vfs_config configs[AOD_VFS_CALLBACKS];
	const struct vfs_protocol *protocol = protocol_of(options);
	struct aod_vfs_knobs knobs = { .page_shift = __builtin_ctzl(sysconf(_SC_PAGESIZE)), .paths = options->paths, .cifs = protocol->cifs };
	struct aod_vfs_tunables tunables = {};
	int err;

	memcpy(knobs.magic, protocol->magic, sizeof(knobs.magic));
	for (__u32 i = 0; i < callbacks.n; i++) {
		configs[i] = callbacks.list[i].config;
		configs[i].instances = instances();
	}
	/* nothing is slow until somebody says so */
	memset(tunables.slow_ns, 0xff, sizeof(tunables.slow_ns));
	err = load_set_section(object, ".rodata.callbacks", configs, sizeof(configs));
	err = err ? err : load_set_section(object, ".rodata.knobs", &knobs, sizeof(knobs));
	return err ? err : load_set_section(object, ".data.tunables", &tunables, sizeof(tunables));
}

/* Everything that needs the kernel's symbols; they are given back afterwards. */
static int find_callbacks(const struct vfs_protocol *protocol, const struct options *options)
{
	const struct types *kernel = types_of(KERNEL);
	int err;

	if (!kernel)
		return fail(3, errno, "cannot read the kernel's BTF");
	err = symbols_load("/proc/kallsyms");
	err = err ? err : peek_open(options->object);
	err = err ? err : tables_read(protocol, options, kernel->btf, &callbacks);
	if (!err)
		functions_find(&callbacks, kernel->btf);
	peek_close();
	symbols_free();
	return err;
}

static int load(const struct options *options, struct loaded *loaded)
{
	char path[80];
	int err;

	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return fail(3, errno, "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF): /sys/kernel/btf/vmlinux");
	snprintf(path, sizeof(path), "/sys/module/%s", options->module);
	if (access(path, F_OK))
		return fail(1, errno, "the module %s is not loaded; mount a share or run: modprobe %s", options->module, options->module);
	err = find_callbacks(protocol_of(options), options);
	err = err ? err : load_object(options, loaded);
	err = err ? err : clones_attach(options, loaded, &callbacks);
	said = (struct aod_vfs_hello){ .callbacks = callbacks.n, .types = options->types, .shared = options->shared, .paths = options->paths, .op_size = sizeof(struct aod_vfs_op) };
	return err;
}

static void hello(void)
{
	out_add(&said, sizeof(said));
	for (__u32 i = 0; i < callbacks.n; i++)
		out_add(&callbacks.list[i].said, sizeof(callbacks.list[i].said));
}

#define VFS_PROBE \
	.op_size = sizeof(struct aod_vfs_op), .sections = sections, .n_sections = ARRAY_SIZE(sections), .load = load, .prepare = prepare, \
	.on_outlier = vfs_outlier, .outliers_done = vfs_outliers_done, .start = vfs_start, .hello = hello, .tick = vfs_tick, .request = vfs_request

const struct probe smb_vfs = { .name = "smb_vfs", .module = "cifs", VFS_PROBE };
const struct probe nfs_vfs = { .name = "nfs_vfs", .module = "nfs", VFS_PROBE };
