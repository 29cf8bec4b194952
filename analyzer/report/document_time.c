/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/report/document_parts.h"

#include "analyzer/judge/system.h"

static json_t *json_of_gap(const struct writing *w, const struct gap *g)
{
	const struct case_source *source = g->trace ? find_source(w->c, g->trace->source) : NULL;

	return json_pack("{s:o,s:o,s:s,s:o,s:o,s:o}", "system",
			 json_id("S", (int64_t)g->system + 1), "recorder",
			 json_of_text(g->recorder), "kind", gap_kind_name(g->kind), "at",
			 json_of_ticks(g->at), "text", json_of_text(g->text), "locator",
			 source ? json_locator(w, source, g->trace) : json_null());
}

json_t *document_gaps(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->j->n_gaps; i++)
		json_array_append_new(array, json_of_gap(w, &w->j->gaps[i]));
	return array;
}

/* How far a reading may be off, in whole seconds outwards; null where that is not known. */
static json_t *shift(int64_t ticks, bool unknown)
{
	const int64_t out = ticks < 0 ? -TICKS_PER_SECOND + 1 : TICKS_PER_SECOND - 1;

	return unknown ? json_null() : json_integer((ticks + out) / TICKS_PER_SECOND);
}

static json_t *json_of_doubt(const struct writing *w, const struct doubt *d)
{
	const struct case_source *source = find_source(w->c, d->trace->source);

	return json_pack("{s:o,s:s,s:o,s:o,s:o,s:o,s:b,s:o,s:o}", "system",
			 json_id("S", (int64_t)d->system + 1), "kind", doubt_kind_name(d->kind),
			 "from", json_of_ticks(d->from), "to",
			 d->to == INT64_MAX ? json_null() : json_of_ticks(d->to), "earlier_seconds",
			 shift(d->least, d->unbounded_back || d->unbounded), "later_seconds",
			 shift(d->most, d->unbounded), "one_file_only", d->of_trace, "text",
			 json_of_text(d->text), "locator",
			 source ? json_locator(w, source, d->trace) : json_null());
}

json_t *document_clock(const struct writing *w)
{
	json_t *array = json_array();
	bool trusted = true;

	for (size_t i = 0; i < w->j->n_doubts; i++) {
		trusted &= w->j->doubts[i].of_trace;
		json_array_append_new(array, json_of_doubt(w, &w->j->doubts[i]));
	}
	return json_pack("{s:b,s:o}", "trusted", trusted, "problems", array);
}

json_t *document_coverage(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->c->n_coverage; i++) {
		const struct case_coverage *c = &w->c->coverage[i];
		const struct case_source *source = find_source(w->c, c->source);
		const size_t system = source ? system_of_source(w->c, w->j->systems,
								w->j->n_systems, source) :
					       NO_SYSTEM;

		json_array_append_new(
			array,
			json_pack("{s:s,s:o,s:o,s:o,s:o,s:o}", "source", c->recorder, "system",
				  system == NO_SYSTEM ? json_null() :
							json_id("S", (int64_t)system + 1),
				  "file", source ? json_string(source->path) : json_null(),
				  "volume", source ? json_id("V", source->volume) : json_null(),
				  "from", json_of_instant(c->from), "to", json_of_instant(c->to)));
	}
	return array;
}

static bool holds(const struct case_coverage *c, int64_t limit)
{
	return instant_is_set(c->from) && instant_is_set(c->to) && c->from.zone != ZONE_LOCAL &&
	       c->to.zone != ZONE_LOCAL && c->from.ticks < limit && c->to.ticks >= limit;
}

json_t *document_limit_covered(const struct writing *w, const struct verdict *v)
{
	json_t *array = v->deadline && v->system != NO_SYSTEM ? json_array() : json_null();

	for (size_t i = 0; json_is_array(array) && i < w->c->n_coverage; i++) {
		const struct case_coverage *c = &w->c->coverage[i];
		const struct case_source *source = find_source(w->c, c->source);

		if (source && holds(c, v->deadline) &&
		    sample_of_source(w->c, source) == SAMPLE_LIVE &&
		    system_of_source(w->c, w->j->systems, w->j->n_systems, source) == v->system)
			json_array_append_new(array, json_string(c->recorder));
	}
	return array;
}
