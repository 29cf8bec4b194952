/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_EVENTLOG_LOG_TIMES_H
#define AVOUCH_PARSERS_EVENTLOG_LOG_TIMES_H

#include "parsers/parser.h"

/*
 * Numbers and times of all records of one log, those that are not decoded too: what the log reaches
 * over, where its clock ran backwards, and which recovered records are new.
 */
struct log_time {
	uint64_t id;
	int64_t ticks;
	uint64_t offset, size; /* of the record in the file */
	bool unsound; /* the records around it do not fit their checksum: it proves no time */
	bool odd;     /* its time stands out from the records on both sides, which agree */
};

struct log_times {
	int64_t precision; /* of all times, in ticks */
	struct log_time *items; /* live records */
	size_t n, room;
	bool some_sound; /* set by log_times_tell */
	struct log_time *recovered; /* sorted */
	size_t n_recovered, recovered_room;
};

/* Everything of one log goes; the struct may be used again. */
void log_times_clear(struct log_times *times);


/* A live record. ERR_LIMIT above the number of records that is kept. */
MUST_USE enum status log_times_add(struct log_times *times, struct log_time item,
				   struct failure *why);

/*
 * What the live records' times say once all were added, so call it once; status is that of reading
 * them and comes back when nothing else fails. Sorts them by number and finds the odd ones, of which
 * a note tells. The first and the last time (unset when there is none) become coverage of
 * "event log <channel>": of sound records if there are any, without odd ones. Unless the reading
 * failed, emits windows.event.log-span (numbers and times of the first and the last live record)
 * and windows.event.time-jump where numbers rise and times fall by more than five seconds from one
 * sound record that is not odd to the next such.
 */
MUST_USE enum status log_times_tell(struct log_times *times, struct parse_context *ctx,
				    struct text channel, enum status status,
				    struct failure *why);

/*
 * True, and remembered, if neither a live nor a recovered record has this number and time; call it
 * after log_times_tell.
 */
bool log_times_is_new(struct log_times *times, struct log_time item);

/* The channel by the name of its file: "A%4B.evtx" is "A/B". data NULL when the arena is full. */
struct text log_channel(struct arena *arena, const char *path);

#endif
