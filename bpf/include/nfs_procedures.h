/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An NFSv4 procedure is known by p_statidx, up to where 7.2 has put ZERO_RANGE into the list, and by its name behind that; an NFSv3 one by its
 * number on the wire (RFC 1813).
 */
#ifndef AOD_NFS_PROCEDURES_H
#define AOD_NFS_PROCEDURES_H

enum nfs4_procedure {
	V4_READ = 1,
	V4_WRITE = 2,
	V4_COMMIT = 3,
	V4_OPEN = 4,
	V4_OPEN_NOATTR = 6,
	V4_CLOSE = 8,
	V4_SETATTR = 9,
	V4_ACCESS = 17,
	V4_GETATTR = 18,
	V4_LOOKUP = 19,
	V4_REMOVE = 21,
	V4_RENAME = 22,
	V4_LINK = 23,
	V4_SYMLINK = 24,
	V4_CREATE = 25,
	V4_STATFS = 27,
	V4_READLINK = 28,
	V4_READDIR = 29,
	V4_DELEGRETURN = 31,
	V4_LAST_AGREED = 56, /* DEALLOCATE */
	V4_READ_PLUS = 68, /* or 69 */
};

enum nfs3_procedure {
	V3_GETATTR = 1,
	V3_SETATTR = 2,
	V3_LOOKUP = 3,
	V3_ACCESS = 4,
	V3_READLINK = 5,
	V3_READ = 6,
	V3_WRITE = 7,
	V3_CREATE = 8,
	V3_MKDIR = 9,
	V3_SYMLINK = 10,
	V3_MKNOD = 11,
	V3_REMOVE = 12,
	V3_RMDIR = 13,
	V3_RENAME = 14,
	V3_LINK = 15,
	V3_READDIR = 16,
	V3_READDIRPLUS = 17,
	V3_FSSTAT = 18,
	V3_COMMIT = 21,
};

#endif
