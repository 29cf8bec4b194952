/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_BASE_INSTANT_H
#define AVOUCH_PARSERS_BASE_INSTANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/span.h"

/* Ticks are 100 ns since 1601-01-01T00:00:00Z (FILETIME, MS-DTYP 2.3.3), without leap seconds. */
#define TICKS_PER_SECOND INT64_C(10000000)
#define TICKS_PER_MINUTE (60 * TICKS_PER_SECOND)
#define TICKS_PER_HOUR (3600 * TICKS_PER_SECOND)
#define TICKS_PER_DAY (86400 * TICKS_PER_SECOND)
/* 1970-01-01T00:00:00Z in ticks. */
#define TICKS_UNIX_EPOCH INT64_C(116444736000000000)

enum instant_state {
	INSTANT_UNSET = 0, /* no time: never treat as a date */
	INSTANT_SET,
	INSTANT_NEVER,   /* the format's "never" (all bits set) */
	INSTANT_INVALID, /* bytes that are no time; ticks hold the raw value */
};

/* What is known of the zone in which the ticks were written. */
enum instant_zone {
	ZONE_UTC = 0,
	ZONE_LOCAL,  /* wall clock of the machine; ticks count as if that clock were UTC */
	ZONE_OFFSET, /* was local, converted with a known offset; ticks are UTC */
};

/* A point in time as the evidence gave it. All zero bits = unset. */
struct instant {
	int64_t ticks;
	int64_t precision; /* width in ticks: the true time is in [ticks, ticks + precision). 1 = exact */
	uint8_t state;     /* enum instant_state */
	uint8_t zone;      /* enum instant_zone */
};

/* A FILETIME: 0 is UNSET, 0x7fff... and all ones are NEVER, above int64 INVALID. */
struct instant instant_from_filetime(uint64_t filetime);
/* Seconds since 1970 (precision one second); 0 is UNSET. */
struct instant instant_from_unix(int64_t seconds);
/* SYSTEMTIME fields (16 bytes, MS-DTYP 2.3.13); INVALID when they are no date. Zone as given. */
struct instant instant_from_systemtime(struct span bytes, enum instant_zone zone);
/* FAT/DOS date and time words: local, precision two seconds. */
struct instant instant_from_dos(uint16_t date, uint16_t time);
/* A civil time (proleptic Gregorian), month 1-12, day 1-31; INVALID when out of range. */
struct instant instant_from_civil(int year, int month, int day, int hour, int minute, int second,
				  int64_t fraction_ticks, int64_t precision,
				  enum instant_zone zone);

struct civil {
	int year, month, day, hour, minute, second; /* as instant_from_civil */
	int32_t fraction;                           /* ticks, 0-9999999 */
	int weekday;                                /* 0 = Sunday */
};

/* The civil time of any tick count (UTC if the ticks are). */
struct civil civil_from_ticks(int64_t ticks);
/* Days since 1601-01-01 of a civil date. */
int64_t days_from_civil(int year, int month, int day);

static inline bool instant_is_set(struct instant i)
{
	return i.state == INSTANT_SET;
}

/* Room for any formatted instant with NUL. */
#define INSTANT_TEXT_SIZE 40

/*
 * RFC 3339 with as many digits as the precision allows ("2017-12-05T16:48:20.5307870Z"); a local
 * time has no Z. Unset gives "", years above 9999 and invalid give "invalid". Returns buffer.
 */
const char *instant_format(struct instant i, char buffer[INSTANT_TEXT_SIZE]);
/* The same for bare UTC ticks at full precision, fraction left out when it is zero. */
const char *ticks_format(int64_t ticks, char buffer[INSTANT_TEXT_SIZE]);

/*
 * Parses "YYYY-MM-DD" or RFC 3339 "YYYY-MM-DDThh:mm:ss[.fffffff](Z|+hh:mm)"; without zone the
 * result is ZONE_LOCAL, a bare date has the precision of a day. INVALID when it is neither.
 */
struct instant instant_parse(struct text text);

#endif
