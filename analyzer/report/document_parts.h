/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_REPORT_DOCUMENT_PARTS_H
#define AVOUCH_ANALYZER_REPORT_DOCUMENT_PARTS_H

#include "analyzer/report/document.h"

/* What the parts of the document are made from. */
struct writing {
	const struct case_contents *c;
	const struct judgement *j;
	const struct signature_set *s;
};

/* A JSON text; null when there is none. Each gives a new value, as all functions here. */
json_t *json_of_text(struct text t);
json_t *json_of_string(const char *s);
/* UTC ticks; open ends, unset times and years that RFC 3339 cannot write are null. */
json_t *json_of_ticks(int64_t ticks);
json_t *json_of_instant(struct instant i);
/* "V3": a prefix and a number. */
json_t *json_id(const char *prefix, int64_t number);
/* The tzdata name of a zone that Windows calls so ("Europe/London"); null when not known. */
json_t *json_of_zone(struct text windows);
/* Where bytes stand; of a source alone when the trace is NULL. */
json_t *json_locator(const struct writing *w, const struct case_source *source,
		     const struct case_trace *t);
/* Where what bounds a witness (its container) stands, in the volume of its source; null without. */
json_t *json_container(const struct case_source *source, const struct case_trace *container);

/* Clock problems, spans of the recorders, and why recorders say nothing (document_time.c). */
json_t *document_clock(const struct writing *w);
json_t *document_coverage(const struct writing *w);
json_t *document_gaps(const struct writing *w);
/* The recorders of the verdict's system whose span holds its limit; null without a limit. */
json_t *document_limit_covered(const struct writing *w, const struct verdict *v);
/* Which products protected a system when, and the stretches without any (document_protection.c). */
json_t *document_protection(const struct writing *w, size_t system);
json_t *document_unprotected(const struct writing *w, size_t system);

#endif
