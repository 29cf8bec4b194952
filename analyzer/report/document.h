/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_REPORT_DOCUMENT_H
#define AVOUCH_ANALYZER_REPORT_DOCUMENT_H

#include <jansson.h>

#include "analyzer/judge/judge.h"

/*
 * The avouch.report/1 document: all that a case and a judgement say, in one JSON value. Text and
 * HTML reports are views of it and add nothing. Stable and sorted: the same case, signatures and
 * mandates give the same bytes.
 */

/* A new document (caller frees with json_decref); NULL without memory. */
json_t *document_build(const struct case_contents *contents, const struct judgement *judgement,
		       const struct signature_set *signatures, const char *tool_version);

/* The document as indented text with a final newline (caller frees); NULL without memory. */
char *document_text(const json_t *document);

/* What an assertion is called to readers: "residue" is what stands, part of what is installed too. */
const char *report_assertion_words(const char *assertion);
/* What of a product (of the document) stood when the evidence was acquired, in words. */
const char *report_state_words(const json_t *product);

/* The text report: verdicts first, then bounds and what sets them, then witnesses. */
void report_write_text(const json_t *document, FILE *out);
/* One self-contained HTML page without scripts or outside references. */
void report_write_html(const json_t *document, FILE *out);

#endif
