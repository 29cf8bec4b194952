/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_CASEFILE_CASE_INTERNAL_H
#define AVOUCH_ANALYZER_CASEFILE_CASE_INTERNAL_H

#include "analyzer/casefile/case.h"

struct sqlite3;

/* The database behind a case; only this folder sees it. */
struct sqlite3 *case_database(struct case_file *file);

#endif
