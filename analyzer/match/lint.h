/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_MATCH_LINT_H
#define AVOUCH_ANALYZER_MATCH_LINT_H

#include "analyzer/match/mandates.h"
#include "analyzer/match/yaml_file.h"

/* What loading and linting have in common: a load is a lint that must find nothing. */

/* Loads what can be loaded; messages say the rest. Negative only when nothing can be done. */
MUST_USE enum status signature_set_load_lenient(const char *folder, struct messages *m,
						struct signature_set **ret, struct failure *why);
MUST_USE enum status mandate_set_load_lenient(const char *path, const struct signature_set *set,
					      struct messages *m, struct mandate_set **ret,
					      struct failure *why);

#endif
