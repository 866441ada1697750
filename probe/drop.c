// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "probe.h"

static bool kept(int fd, const int *keep, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (keep[i] == fd)
			return true;
	return false;
}

static int close_others(const int *keep, size_t n)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != dirfd(dir) && !kept(fd, keep, n))
			close(fd);
	}
	closedir(dir);
	return 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = {};

	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

static void drop_bounding(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

int drop_privileges(const char *user, const int *keep, size_t n_keep)
{
	const uid_t id = (uid_t)strtoul(user, NULL, 10);
	const pid_t parent = getppid();
	const struct rlimit no_core = {};
	int err = close_others(keep, n_keep);

	if (err)
		return fail(1, -err, "cannot list the open files");
	drop_bounding();
	if (setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id))
		return fail(1, errno, "cannot become user %s", user);
	err = drop_capabilities();
	if (err)
		return fail(1, -err, "cannot drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setrlimit(RLIMIT_CORE, &no_core))
		return fail(1, errno, "cannot give up privileges");
	/* only now: a change of user clears it */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return fail(1, errno, "cannot follow the parent's end");
	if (getppid() != parent)
		return fail(1, 0, "the parent has ended");
	return 0;
}
