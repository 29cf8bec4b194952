/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_BASE_CLEANUP_H
#define AVOUCH_PARSERS_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

/*
 * Release when the scope ends: `CLEANUP(free_p) char *name = NULL;`. Functions are named after
 * the type with _p and take a pointer to the variable; they accept NULL and half-built objects.
 */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* Defines `static inline void name_p(type *p)` that calls function(*p) when *p is not NULL. */
#define DEFINE_CLEANUP(type, function, name)                                                       \
	static inline void name(type *p)                                                           \
	{                                                                                          \
		if (*p)                                                                            \
			function(*p);                                                              \
	}

static inline void free_p(void *p)
{
	void **pointer = p;

	free(*pointer);
}

/* Closes a file descriptor that is not negative. */
static inline void close_p(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

#endif
