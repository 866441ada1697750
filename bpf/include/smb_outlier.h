/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An op that user space wants to see at once. */
#ifndef AOD_SMB_OUTLIER_H
#define AOD_SMB_OUTLIER_H

static __always_inline void emit(const struct aod_smb_op *op)
{
	struct aod_smb_op *copy = bpf_ringbuf_reserve(&outliers, sizeof(*copy), 0);

	if (!copy) {
		count(&losses.ringbuf_full);
		return;
	}
	__builtin_memcpy(copy, op, sizeof(*copy));
	bpf_ringbuf_submit(copy, 0);
}

#endif
