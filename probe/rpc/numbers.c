// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The client's procedures in the order of their numbers (p_statidx): RFC 1813, and NFSPROC4_CLNT_* of the kernel's include/linux/nfs4.h as it was
 * before 7.2 put ZERO_RANGE into it. src/nfs/procedures.ts has the same lists; a test compares them.
 */
#include <string.h>
#include "without_btf.h"

static const char *const v3[] = {
	"NULL", "GETATTR", "SETATTR", "LOOKUP", "ACCESS", "READLINK", "READ", "WRITE", "CREATE", "MKDIR", "SYMLINK", "MKNOD", "REMOVE", "RMDIR", "RENAME",
	"LINK", "READDIR", "READDIRPLUS", "FSSTAT", "FSINFO", "PATHCONF", "COMMIT",
};

static const char *const v4[] = {
	"NULL", "READ", "WRITE", "COMMIT", "OPEN", "OPEN_CONFIRM", "OPEN_NOATTR", "OPEN_DOWNGRADE", "CLOSE", "SETATTR", "FSINFO", "RENEW", "SETCLIENTID",
	"SETCLIENTID_CONFIRM", "LOCK", "LOCKT", "LOCKU", "ACCESS", "GETATTR", "LOOKUP", "LOOKUP_ROOT", "REMOVE", "RENAME", "LINK", "SYMLINK", "CREATE",
	"PATHCONF", "STATFS", "READLINK", "READDIR", "SERVER_CAPS", "DELEGRETURN", "GETACL", "SETACL", "FS_LOCATIONS", "RELEASE_LOCKOWNER", "SECINFO",
	"FSID_PRESENT", "EXCHANGE_ID", "CREATE_SESSION", "DESTROY_SESSION", "SEQUENCE", "GET_LEASE_TIME", "RECLAIM_COMPLETE", "LAYOUTGET", "GETDEVICEINFO",
	"LAYOUTCOMMIT", "LAYOUTRETURN", "SECINFO_NO_NAME", "TEST_STATEID", "FREE_STATEID", "GETDEVICELIST", "BIND_CONN_TO_SESSION", "DESTROY_CLIENTID",
	"SEEK", "ALLOCATE", "DEALLOCATE", "LAYOUTSTATS", "CLONE", "COPY", "OFFLOAD_CANCEL", "LOOKUPP", "LAYOUTERROR", "COPY_NOTIFY", "GETXATTR", "SETXATTR",
	"LISTXATTRS", "REMOVEXATTR", "READ_PLUS",
};

static bool add(struct aod_rpc_number *numbers, const char *name, __u32 version, __u32 number)
{
	struct aod_rpc_number new = { .version = version, .number = number };
	__u32 place;

	memcpy(new.text, name, strnlen(name, sizeof(new.text) - 1));
	place = aod_rpc_name_place(new.words, version);
	for (__u32 i = 0; i < AOD_RPC_NAME_PROBES; i++) {
		struct aod_rpc_number *at = &numbers[(place + i) & (AOD_RPC_NAMES - 1)];

		if (at->version)
			continue;
		*at = new;
		return true;
	}
	return false;
}

bool numbers_fill(struct aod_rpc_number *numbers)
{
	bool room = true;

	for (size_t i = 0; i < ARRAY_SIZE(v3); i++)
		room &= add(numbers, v3[i], 3, i);
	for (size_t i = 0; i < ARRAY_SIZE(v4); i++)
		room &= add(numbers, v4[i], 4, i);
	return room;
}
