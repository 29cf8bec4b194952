/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/report/document_parts.h"

#include "analyzer/judge/zone_rules.h"

static json_t *bound_of(struct bound b)
{
	return json_pack("{s:o,s:o}", "not_before", json_of_ticks(b.not_before), "not_after",
			 json_of_ticks(b.not_after));
}

/* The parts of a '\n'-separated list. */
static json_t *lines_of(const char *list)
{
	json_t *array = json_array();

	for (const char *p = list; p && *p;) {
		const size_t size = strcspn(p, "\n");

		json_array_append_new(array, json_stringn(p, size));
		p += size + (p[size] == '\n');
	}
	return array;
}

static json_t *texts_of(const struct text *texts, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_of_text(texts[i]));
	return array;
}

static json_t *product_id(const struct writing *w, size_t product)
{
	return json_string(w->s->products[product].id);
}

static json_t *witness_ids(const struct writing *w, const size_t *indices, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		if (indices[i] != NO_WITNESS)
			json_array_append_new(array, json_string(w->j->witnesses[indices[i]].id));
	return array;
}

/* -- evidence, volumes, systems ------------------------------------------------------------- */

/*
 * Stored, computed and absent digests are three facts; true only if every stored one agrees, false also
 * where they were to be compared and the medium could not be read to its end.
 */
static json_t *verified(const struct case_evidence *e)
{
	const bool md5 = e->md5 && e->stored_md5, sha1 = e->sha1 && e->stored_sha1;

	if (case_medium_failed(e))
		return json_false();
	if (!md5 && !sha1)
		return json_null();
	return json_boolean((!md5 || strcmp(e->md5, e->stored_md5) == 0) &&
			    (!sha1 || strcmp(e->sha1, e->stored_sha1) == 0));
}

static json_t *evidence(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->c->n_evidence; i++) {
		const struct case_evidence *e = &w->c->evidence[i];
		const bool own = instant_is_set(e->acquired);
		json_t *acquired = json_pack(
			"{s:o,s:o}", "at",
			own ? json_of_instant(e->acquired) : json_of_ticks(w->j->acquired), "basis",
			json_of_string(own ? e->acquired_basis : w->j->acquired_basis));

		json_array_append_new(
			array,
			json_pack("{s:o,s:s,s:s,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id",
				  json_id("E", e->id), "path", e->path, "format", e->format, "size",
				  (json_int_t)e->size, "segments", lines_of(e->segments), "sha256",
				  json_of_string(e->sha256), "md5", json_of_string(e->md5), "sha1",
				  json_of_string(e->sha1), "stored_md5",
				  json_of_string(e->stored_md5), "stored_sha1",
				  json_of_string(e->stored_sha1), "verified", verified(e),
				  "acquired", acquired, "unreadable", lines_of(e->unreadable)));
	}
	return array;
}

static json_t *problems_of_volume(const struct writing *w, int64_t volume)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->c->n_problems; i++)
		if (w->c->problems[i].volume == volume && w->c->problems[i].source == 0)
			json_array_append_new(array, json_string(w->c->problems[i].what));
	return array;
}

static const char *volume_status(enum reading reading)
{
	switch (reading) {
	case READING_READ:
		return "read";
	case READING_ENCRYPTED:
		return "encrypted";
	case READING_UNREADABLE:
		return "unreadable";
	case READING_SKIPPED:
		return "skipped";
	case READING_PENDING:
	case READING_PARTLY:
	case READING_CRASHED:
	case READING_TIMED_OUT:
		break;
	}
	return "partly-read";
}

static json_t *volumes(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->c->n_volumes; i++) {
		const struct case_volume *v = &w->c->volumes[i];
		json_t *snapshot = v->snapshot_of ? json_pack("{s:o}", "created",
							      json_of_instant(v->snapshot_created))
						  : json_null();

		json_array_append_new(
			array,
			json_pack("{s:o,s:o,s:I,s:I,s:I,s:o,s:o,s:o,s:s,s:o}", "id",
				  json_id("V", v->id), "evidence", json_id("E", v->evidence),
				  "logical", (json_int_t)v->logical, "offset",
				  (json_int_t)v->offset, "size", (json_int_t)v->size, "filesystem",
				  json_of_string(v->filesystem), "label", json_of_string(v->label),
				  "snapshot", snapshot, "status", volume_status(v->reading),
				  "problems", problems_of_volume(w, v->id)));
	}
	return array;
}

/* Minutes that the system's local time is ahead of UTC, by its registry; null when not known. */
static json_t *utc_offset(const struct zone_rules *zone)
{
	if (!zone || zone->n_years == 0)
		return json_null();

	const struct zone_year *y = &zone->years[0];
	const bool has_daylight = y->daylight_date[2] || y->daylight_date[3];

	return json_pack("{s:I,s:o}", "standard", -(json_int_t)y->bias - y->standard_bias, "daylight",
			 has_daylight ? json_integer(-(json_int_t)y->bias - y->daylight_bias) :
					json_null());
}

static json_t *systems(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->j->n_systems; i++) {
		const struct system *s = &w->j->systems[i];

		json_array_append_new(
			array,
			json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "protection",
				  document_protection(w, i), "unprotected",
				  document_unprotected(w, i), "id", json_id("S", (int64_t)i + 1),
				  "volume", json_id("V", s->volume), "os", json_of_text(s->os),
				  "version", json_of_text(s->version), "hostname",
				  json_of_text(s->hostname), "timezone", json_of_text(s->timezone),
				  "timezone_tzdata", json_of_zone(s->timezone), "utc_offset_minutes",
				  utc_offset(s->zone), "installed_at",
				  json_of_ticks(s->installed_at), "last_activity",
				  json_of_ticks(s->last_activity)));
	}
	return array;
}

/* -- products and witnesses ----------------------------------------------------------------- */

/* The witnesses that set the two ends of a bound; null where none does. */
static json_t *set_by(const struct writing *w, const size_t by[2])
{
	return json_pack("{s:o,s:o}", "not_before",
			 by[0] == NO_WITNESS ? json_null() : json_string(w->j->witnesses[by[0]].id),
			 "not_after",
			 by[1] == NO_WITNESS ? json_null()
					     : json_string(w->j->witnesses[by[1]].id));
}

static json_t *episode(const struct writing *w, const struct episode *e)
{
	const size_t ends[] = { e->installed_by[0], e->installed_by[1], e->removed_by[0],
				e->removed_by[1] };
	json_t *qualified = json_array();

	for (size_t i = 0; i < e->n_qualified; i++)
		json_array_append_new(qualified, json_string(e->qualified[i]));
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:o}", "name", json_of_text(e->name),
			 "version", json_of_text(e->version), "installed", bound_of(e->installed),
			 "installed_by", set_by(w, e->installed_by), "removed_by",
			 set_by(w, e->removed_by), "removed",
			 e->removed ? bound_of(e->removal) : json_null(), "witnesses",
			 witness_ids(w, ends, 4), "removal_recorded_at", json_of_ticks(e->act),
			 "restart_pending", e->restart_pending, "qualified", qualified);
}

static bool is_among(const size_t *items, size_t n, size_t wanted)
{
	for (size_t i = 0; i < n; i++)
		if (items[i] == wanted)
			return true;
	return false;
}

static json_t *residue(const struct writing *w, const struct product_history *h)
{
	json_t *array = json_array();

	for (size_t i = 0; i < h->n_residue; i++) {
		const struct witness *x = &w->j->witnesses[h->residue[i]];

		json_array_append_new(
			array, json_pack("{s:s,s:s,s:b}", "component",
					 x->component ? x->component->id : "fact", "witness", x->id,
					 "loads", is_among(h->loads, h->n_loads, h->residue[i])));
	}
	return array;
}

/* What only doubtful signatures know is told where it has a stay: an auditor looks for successors.
 */
static bool stands_tentatively(const struct product_history *h)
{
	return h->tentative && h->n_episodes > 0;
}

static json_t *products(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->j->n_histories; i++) {
		const struct product_history *h = &w->j->histories[i];
		const struct product *p = &w->s->products[h->product];
		json_t *episodes;

		/* An installer that was never run, a folder that anybody can make: no product. */
		if (!h->proved && !h->residue_counts && !h->named && !stands_tentatively(h))
			continue;
		episodes = json_array();

		for (size_t k = 0; k < h->n_episodes; k++)
			json_array_append_new(episodes, episode(w, &h->episodes[k]));
		json_array_append_new(
			array,
			json_pack(
				"{s:s,s:s,s:s,s:b,s:o,s:o,s:s,s:b,s:o,s:o}", "id", p->id, "vendor",
				p->vendor, "name", p->name, "tentative", h->tentative, "version",
				h->n_episodes ? json_of_text(h->episodes[h->n_episodes - 1].version)
					      : json_null(),
				"system", json_id("S", (int64_t)h->system + 1), "state",
				product_state_name(h->state), "residue_counts", h->residue_counts,
				"residue", residue(w, h), "episodes", episodes));
	}
	return array;
}

static json_t *witness_locator(const struct writing *w, const struct witness *x)
{
	json_t *locator = json_locator(w, x->source, x->trace);

	json_object_set_new(locator, "container", json_container(x->source, x->container));
	return locator;
}

static json_t *witnesses(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->j->n_witnesses; i++) {
		const struct witness *x = &w->j->witnesses[i];

		json_array_append_new(
			array,
			json_pack("{s:s,s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:s,s:o,s:s,s:o,s:o}", "id",
				  x->id, "product", product_id(w, x->product), "system",
				  json_id("S", (int64_t)x->system + 1), "component",
				  x->component ? json_string(x->component->id) : json_null(),
				  "confidence",
				  x->component
					  ? json_string(confidence_name(x->component->confidence))
					  : json_null(),
				  "assertion", assertion_name(x->assertion), "not_before",
				  json_of_ticks(x->when.not_before), "not_after",
				  json_of_ticks(x->when.not_after), "family",
				  family_name(x->family), "qualified", json_of_string(x->qualified),
				  "source", x->trace ? x->trace->trace.type->name : "absence",
				  "text", json_of_text(x->text), "locator", witness_locator(w, x)));
	}
	return array;
}

/* -- verdicts, problems ----------------------------------------------------- */

static json_t *outcomes(const struct writing *w, const struct verdict *v)
{
	json_t *array = json_array();

	for (size_t i = 0; i < v->n_products; i++) {
		const struct product_outcome *p = &v->products[i];

		json_array_append_new(
			array,
			json_pack("{s:o,s:s,s:o,s:o,s:o}", "product",
				  product_id(w, w->j->histories[p->history].product), "outcome",
				  outcome_name(p->outcome), "qualified",
				  texts_of(p->qualified, p->n_qualified), "reasons",
				  texts_of(p->reasons, p->n_reasons), "witnesses",
				  witness_ids(w, p->witnesses, p->n_witnesses)));
	}
	return array;
}

static json_t *verdicts(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->j->n_verdicts; i++) {
		const struct verdict *v = &w->j->verdicts[i];

		json_array_append_new(
			array,
			json_pack("{s:o,s:s,s:s,s:s,s:s,s:o,s:o,s:s,s:o,s:b,s:o,s:o,s:o,s:b,s:b}",
				  "system",
				  v->system == NO_SYSTEM ? json_null() :
							   json_id("S", (int64_t)v->system + 1),
				  "mandate", v->mandate->id, "title", v->mandate->title,
				  "milestone", v->milestone->id, "duty", duty_name(v->duty),
				  "deadline", json_of_ticks(v->deadline), "limit_covered_by",
				  document_limit_covered(w, v), "outcome",
				  outcome_name(v->outcome), "products", outcomes(w, v),
				  "qualified", v->n_qualified > 0, "qualifications",
				  texts_of(v->qualified, v->n_qualified), "reasons",
				  texts_of(v->reasons, v->n_reasons), "witnesses",
				  witness_ids(w, v->witnesses, v->n_witnesses), "conditional",
				  v->conditional, "named", v->named));
	}
	return array;
}

static json_t *problems(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->c->n_problems; i++) {
		const struct case_problem *p = &w->c->problems[i];

		json_array_append_new(
			array, json_pack("{s:o,s:s,s:s,s:o,s:b}", "volume",
					 p->volume ? json_id("V", p->volume) : json_null(), "where",
					 p->where, "what", p->what, "offset",
					 p->offset == FAILURE_NO_OFFSET ?
						 json_null() :
						 json_integer((json_int_t)p->offset),
					 "lost", p->lost));
	}
	for (size_t i = 0; i < w->j->n_problems; i++)
		json_array_append_new(array, json_pack("{s:n,s:s,s:o,s:n,s:b}", "volume",
						       "where", "judgement", "what", json_of_text(w->j->problems[i]),
						       "offset", "lost", 1));
	return array;
}

json_t *document_build(const struct case_contents *contents, const struct judgement *judgement,
		       const struct signature_set *signatures, const char *tool_version)
{
	const struct writing w = { contents, judgement, signatures };

	return json_pack("{s:s,s:{s:s,s:s,s:s},s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "schema",
			 "avouch.report/1", "tool", "name", "avouch", "version", tool_version,
			 "signatures_sha256", signatures->sha256, "evidence", evidence(&w),
			 "volumes", volumes(&w), "systems", systems(&w), "products", products(&w),
			 "witnesses", witnesses(&w), "clock", document_clock(&w), "coverage",
			 document_coverage(&w), "gaps", document_gaps(&w),
			 "verdicts", verdicts(&w), "problems", problems(&w));
}

char *document_text(const json_t *document)
{
	char *json = json_dumps(document, JSON_INDENT(1) | JSON_SORT_KEYS);
	const size_t size = json ? strlen(json) : 0;
	char *text_with_end = json ? realloc(json, size + 2) : NULL;

	if (!text_with_end) {
		free(json);
		return NULL;
	}
	text_with_end[size] = '\n';
	text_with_end[size + 1] = '\0';
	return text_with_end;
}
