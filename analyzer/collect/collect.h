/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_COLLECT_H
#define AVOUCH_ANALYZER_COLLECT_COLLECT_H

#include <signal.h>

#include "analyzer/casefile/case.h"
#include "analyzer/collect/unlock.h"

/*
 * Collecting: finds the sources of one computer's evidence, has readers read them in processes of
 * their own, and writes what they send into the case, one transaction per source, in an order that
 * does not depend on how many readers run. Evidence is opened read-only, by readers alone.
 */

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

struct collector;

/*
 * Starts the process that starts readers. Call it before the case is opened, so that no reader
 * inherits it. options and wanted are borrowed until collector_free.
 */
MUST_USE enum status collector_new(const struct collect_options *options,
				   const struct wanted *wanted, struct collector **ret,
				   struct failure *why);

/*
 * Collects into the case: a new one, or an unfinished one of the same evidence, tool and options,
 * which is resumed where it was left (ERR_UNSUPPORTED for any other). STATUS_OK also when parts of
 * the evidence could not be read: the case's problems say which. ERR_CANCELLED when stopped by the
 * user; the case then holds what was finished, the fact "collection" says "partial". Any other
 * error is the case's or the machine's.
 */
MUST_USE enum status collect_run(struct collector *collector, struct case_file *file,
				 struct failure *why);

/* Ends all readers. */
void collector_free(struct collector *collector);
DEFINE_CLEANUP(struct collector *, collector_free, collector_free_p)

/*
 * Whether a number is chosen by "all", "none" or "1,3..5" (NULL: all). collect_choice_is_valid
 * tells whether the text is one of these.
 */
bool collect_choice_has(const char *choice, unsigned number);
bool collect_choice_is_valid(const char *choice, bool none_allowed);

#endif
