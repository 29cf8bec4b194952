/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_WINDOWS_LOG_LINES_H
#define AVOUCH_PARSERS_WINDOWS_LOG_LINES_H

#include "parsers/base/arena.h"
#include "parsers/base/instant.h"
#include "parsers/base/span.h"

/*
 * The lines of a text log of Windows: UTF-16LE (by its byte order mark), UTF-8, or else
 * Windows-1252. Lines longer than LIMIT_TEXT are cut.
 */
struct log_lines {
	struct span bytes;
	size_t pos;
	bool wide;
};

struct log_line {
	uint64_t offset, size; /* bytes in the file, without the line end */
	struct text text;      /* in the arena given to log_lines_next */
};

void log_lines_init(struct log_lines *lines, struct span bytes);

/* The next line; false behind the last. text.data is NULL when the arena is full. */
bool log_lines_next(struct log_lines *lines, struct arena *arena, struct log_line *ret);

/* text without spaces and tabs at both ends. */
struct text log_trim(struct text text);
/* Whether text starts with head; then *ret_rest (may be NULL) is what follows. */
bool log_starts(struct text text, const char *head, struct text *ret_rest);
/* What follows the first needle (ASCII, case folded) in text; {NULL, 0} without one. */
struct text log_after(struct text text, const char *needle);

/*
 * A date "YYYY?MM?DD" or "DD.MM.YYYY" at the start of text (then *ret_rest is what follows);
 * days since 1601, or -1 when there is none.
 */
int64_t log_date(struct text text, struct text *ret_rest);

/*
 * A time "HH:MM:SS" with an optional fraction after '.', ',' or ':' at the start of text;
 * ticks of the day (*ret_precision: their width), or -1.
 */
int64_t log_time(struct text text, int64_t *ret_precision, struct text *ret_rest);

/* A FILETIME in decimal digits and nothing else; unset when there are none. */
struct instant log_filetime(struct text digits);

/* Date and time as a wall-clock instant of the machine. */
struct instant log_instant(int64_t days, int64_t ticks, int64_t precision);

#endif
