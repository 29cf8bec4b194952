/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COLLECT_COLLECT_H
#define AVOUCH_ANALYZER_COLLECT_COLLECT_H

#include "analyzer/casefile/case.h"
#include "analyzer/collect/options.h"

/*
 * Collecting: finds the sources of one computer's evidence, has readers read them in processes of
 * their own, and writes what they send into the case, one transaction per source, in an order that
 * does not depend on how many readers run. Evidence is opened read-only, by readers alone.
 */

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

#endif
