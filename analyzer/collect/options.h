/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_OPTIONS_H
#define AVOUCH_ANALYZER_COLLECT_OPTIONS_H

#include <signal.h>

#include "analyzer/collect/unlock.h"
#include "parsers/base/instant.h"

/* What is to be collected, from what and how: known to the supervisor and to every reader. */

/* One image: its first segment, or all its segments in order. */
struct collect_evidence {
	const char *const *paths;
	size_t n_paths;
};

/*
 * What signatures name, so that a reader of a huge source need not send everything. Called in the
 * readers, on memory they inherit; a NULL function wants everything.
 */
struct wanted {
	bool (*path)(void *payload, struct text path);
	bool (*key)(void *payload, struct text key);
	bool (*log)(void *payload, struct text channel, struct text provider);
	void *payload;
};

struct collect_options {
	const struct collect_evidence *evidence;
	size_t n_evidence;
	unsigned jobs;              /* readers side by side; 0: as many as processors, at most 8 */
	uint64_t memory;            /* bytes for all readers; 0: half of the machine's */
	struct instant acquired_at; /* the user's word; unset: the image's header */
	const char *partitions;     /* "all" or "1,3..5"; NULL: all */
	const char *vss_stores;     /* "all", "none" or "1,3..5"; NULL: all */
	bool verify_image;          /* compute the digests of the medium */
	bool carve;                 /* look through free clusters as well */
	struct secret_list secrets; /* to try on encrypted volumes */
	const char *tool; /* version and signatures: a case of another is not resumed; or NULL */
	unsigned source_timeout_s;  /* wall clock of one source; 0: 300 */
	/* One line of progress, now and then; NULL: none. */
	void (*progress)(void *payload, const char *line);
	void *payload;
	/* Not 0: stop soon (set by a signal handler); what is committed stays. NULL: never. */
	const volatile sig_atomic_t *cancelled;
};

enum { MAX_READERS = 64 };

/* How many readers run side by side: fewer than asked for when the memory budget is small. */
unsigned reader_count(const struct collect_options *options);
/* Address space of each; 0: not limited. */
uint64_t reader_memory(const struct collect_options *options);

/*
 * Whether a number is chosen by "all", "none" or "1,3..5" (NULL: all). collect_choice_is_valid
 * tells whether the text is one of these.
 */
bool collect_choice_has(const char *choice, unsigned number);
bool collect_choice_is_valid(const char *choice, bool none_allowed);

#endif
