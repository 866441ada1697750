/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* For the drivers of the C tests: the first thing that is not as it should be ends them with status 1. */
#ifndef AOD_TEST_CHECK_H
#define AOD_TEST_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK_EQ(what, got, wanted)                                                                                     \
	do {                                                                                                            \
		unsigned long long got_ = (got), wanted_ = (wanted);                                                    \
		if (got_ != wanted_) {                                                                                  \
			fprintf(stderr, "%s:%d: %s: %llu, expected %llu\n", __FILE__, __LINE__, what, got_, wanted_);   \
			exit(1);                                                                                        \
		}                                                                                                       \
	} while (0)

/* xorshift64: the same numbers everywhere for the same seed. */
static inline unsigned long long random_next(unsigned long long *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
