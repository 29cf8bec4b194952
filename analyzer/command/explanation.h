/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COMMAND_EXPLANATION_H
#define AVOUCH_ANALYZER_COMMAND_EXPLANATION_H

#include <stdio.h>

#include "analyzer/report/document.h"

/*
 * Sentences about one verdict of a report document, each made from what stands in the document:
 * every time, number and witness in them can be found there. One sentence a line, indented by four.
 */

/* The witness that carries least: qualified, of low confidence, recovered, alone in its family. */
void explain_weakest(FILE *out, const json_t *document, const json_t *verdict);
/* Which families of records put the removal on which side of the limit, and which are silent. */
void explain_families(FILE *out, const json_t *document, const json_t *verdict);
/* What evidence would lead to another outcome, and which recorder would have held it. */
void explain_change(FILE *out, const json_t *document, const json_t *verdict);

#endif
