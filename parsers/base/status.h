/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_BASE_STATUS_H
#define AVOUCH_PARSERS_BASE_STATUS_H

/*
 * The one way a function says how it went. Zero and above are no failures; a new negative value
 * is added only when some caller acts differently on it.
 */
enum status {
	STATUS_OK = 0,
	STATUS_END = 1,      /* nothing (more) there: end of a list, key not found */
	STATUS_DECLINED = 2, /* not this reader's format after all; silent */

	ERR_NO_MEMORY = -1,
	ERR_IO = -2,          /* the operating system or the medium failed */
	ERR_TRUNCATED = -3,   /* the bytes end before the format says they should */
	ERR_FORMAT = -4,      /* the bytes contradict the format */
	ERR_UNSUPPORTED = -5, /* a version or variant that is not read (yet) */
	ERR_LIMIT = -6,       /* a cap of limits.h was reached */
	ERR_UNREADABLE = -7,  /* the range holds missing or damaged evidence */
	ERR_ENCRYPTED = -8,   /* readable only with a secret that was not given */
	ERR_CANCELLED = -9,
};

/* Every function that returns enum status carries this. */
#define MUST_USE __attribute__((warn_unused_result))

/* A stable lower-case word for a status, for messages and tests. Never NULL. */
const char *status_name(enum status status);

#endif
