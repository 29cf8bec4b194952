/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_BASE_LIMITS_H
#define AVOUCH_PARSERS_BASE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Every cap, in one place. Reaching one never goes unsaid: the source becomes `partly-read`, a
 * problem names the cap, and no absence is asserted from that source.
 */

/* Memory of one source (arena), bytes. Above: the source is given up with what was found. */
#define LIMIT_ARENA ((size_t)512 << 20)
/* Largest file read whole into memory (hive, prefetch, log), bytes. */
#define LIMIT_WHOLE_FILE ((uint64_t)1 << 30)
/* Bytes one trace may occupy on the wire between reader and supervisor. */
#define LIMIT_TRACE_BYTES ((size_t)1 << 20)
/* Characters (bytes of UTF-8) one text value keeps; longer is cut and noted. */
#define LIMIT_TEXT ((size_t)32 << 10)
/* Traces of one source. Real event logs hold some 100,000 records. */
#define LIMIT_TRACES_PER_SOURCE ((uint64_t)5000000)
/* Notes (anomalies) kept of one source; further ones are only counted. */
#define LIMIT_NOTES_PER_SOURCE ((uint64_t)200)
/* Deleted keys of one hive; real hives hold some hundred. */
#define LIMIT_DELETED_KEYS ((size_t)100000)
/* Levels of folders or registry keys followed before a branch is called a cycle. */
#define LIMIT_DEPTH 512
/* Bytes a locator's range may have to be hashed; longer ranges are hashed up to this and noted. */
#define LIMIT_LOCATOR_BYTES LIMIT_WHOLE_FILE

#endif
