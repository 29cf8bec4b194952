/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COMMAND_CITATION_H
#define AVOUCH_ANALYZER_COMMAND_CITATION_H

#include "analyzer/collect/cited.h"
#include "analyzer/report/document.h"

/* What the commands share that go from the latest judgement of a case back to the evidence. */

enum { EVIDENCE_MAX = 64 };

/*
 * Each argument is an image; further segments of one belong to it. Gives how many images, 0 when
 * there are more than max. ret borrows the arguments.
 */
size_t evidence_group(char **arguments, size_t n, struct collect_evidence *ret, size_t max);

/*
 * The report document of the latest judgement, owned by the caller. Says itself what is wrong, then
 * returns NULL and an exit status.
 */
json_t *citation_document(const char *case_path, int *ret_exit_status);

/* The member of an array of the document whose "id" is this; NULL: none. Borrowed. */
const json_t *citation_find(const json_t *document, const char *array, const char *id);

/* What stands behind a witness: its own bytes, and those of the key or folder that bounds it. */
enum { CITED_RANGES = 2 };

/*
 * The ranges of bytes a witness cites, and how many; names tell what each is. ret borrows from the
 * document and is otherwise empty (CITED_UNREADABLE).
 */
size_t citation_ranges(const json_t *document, const json_t *witness,
		       struct cited_range ret[CITED_RANGES], const char *names[CITED_RANGES]);

/* A member's text; "" when it has none. */
const char *citation_text(const json_t *object, const char *member);

/* Writes text with control characters shown as '?', so that evidence cannot forge a line. */
void citation_print(FILE *out, const char *text);

#endif
