/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_BASE_ZONE_H
#define AVOUCH_PARSERS_BASE_ZONE_H

#include "parsers/base/cleanup.h"
#include "parsers/base/failure.h"
#include "parsers/base/instant.h"

/*
 * Time zones from TZif files (RFC 8536): versions 1 to 4, the 64-bit block where there is one, and
 * the POSIX rule of the footer for times after the last transition. libc's own zone functions are
 * never used. Leap-second tables ("right/") are refused: instants here have none.
 */
struct zone;

/* Parses TZif bytes. name and source are kept for messages. ERR_FORMAT, ERR_UNSUPPORTED. */
MUST_USE enum status zone_from_bytes(struct span bytes, const char *name, const char *source,
				     struct zone **ret, struct failure *why);

/*
 * Loads a zone by its name ("America/New_York") from folder, or, when that is NULL, from the
 * environment variable AVOUCH_ZONEINFO or /usr/share/zoneinfo. STATUS_END when there is no such
 * zone; names with ".." or a leading '/' are ERR_FORMAT.
 */
MUST_USE enum status zone_load(const char *name, const char *folder, struct zone **ret,
			       struct failure *why);
void zone_free(struct zone *zone);
DEFINE_CLEANUP(struct zone *, zone_free, zone_free_p)

const char *zone_name(const struct zone *zone);
/* The file it came from; with ", tzdata 2026a" behind when the folder says its version. */
const char *zone_source(const struct zone *zone);
/* The TZif version of the file: 1 to 4. */
int zone_version(const struct zone *zone);

/* Seconds east of UTC in force at a UTC instant (ticks); daylight saving time in *ret_dst or NULL.
 */
int32_t zone_offset_at(const struct zone *zone, int64_t utc_ticks, bool *ret_dst);

/*
 * The UTC ticks that a wall clock reading (ticks as if it were UTC) may stand for. Two different
 * ones in the hour that is repeated; a reading in a skipped hour stands for the instant of the
 * change, twice. True when there is exactly one.
 */
bool zone_local_to_utc(const struct zone *zone, int64_t local_ticks, int64_t *ret_earliest,
		       int64_t *ret_latest);

/* The wall clock reading of a UTC instant. */
int64_t zone_utc_to_local(const struct zone *zone, int64_t utc_ticks);

#endif
