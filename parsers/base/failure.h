/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_BASE_FAILURE_H
#define AVOUCH_PARSERS_BASE_FAILURE_H

#include <stdint.h>

#include "parsers/base/status.h"

/*
 * Why something failed. Lives in the caller's frame, so it works without memory and between
 * threads. The first failure_set decides the status; wraps only put context in front, giving
 * "open image 'x.E01': segment 3: truncated at 0x1f400".
 */
struct failure {
	enum status status;
	uint64_t offset; /* bytes from the start of the source; FAILURE_NO_OFFSET if none */
	char text[512];  /* UTF-8, NUL ended, cut at the end when too long */
};

#define FAILURE_NO_OFFSET UINT64_MAX
#define FAILURE_NONE { .status = STATUS_OK, .offset = FAILURE_NO_OFFSET }

/* Sets status and message. why may be NULL (then only status is returned). Returns status. */
enum status failure_set(struct failure *why, enum status status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with the byte offset at which it happened. */
enum status failure_at(struct failure *why, enum status status, uint64_t offset,
		       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Puts "context: " in front of the message of a failure already set (why not NULL). Returns its
 * status. */
enum status failure_wrap(struct failure *why, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
