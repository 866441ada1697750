/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define BPF_CORE_READ(pointer, member) ((pointer)->member)
