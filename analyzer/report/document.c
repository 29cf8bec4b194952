/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/report/document.h"

#include "analyzer/judge/system.h"

struct writing {
	const struct case_contents *c;
	const struct judgement *j;
	const struct signature_set *s;
};

/* -- small values ------------------------------------------------------------------------- */

static json_t *text(struct text t)
{
	return t.data && t.size ? json_stringn(t.data, t.size) : json_null();
}

static json_t *string(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

/* UTC ticks; open ends, unset times and years that RFC 3339 cannot write are null. */
static json_t *time_of(int64_t ticks)
{
	char buffer[INSTANT_TEXT_SIZE];

	if (ticks == 0 || ticks == BOUND_OPEN_START || ticks == BOUND_OPEN_END)
		return json_null();
	ticks_format(ticks, buffer);
	return buffer[0] >= '0' && buffer[0] <= '9' ? json_string(buffer) : json_null();
}

static json_t *instant_of(struct instant i)
{
	char buffer[INSTANT_TEXT_SIZE];

	if (!instant_is_set(i))
		return json_null();
	instant_format(i, buffer);
	return buffer[0] >= '0' && buffer[0] <= '9' ? json_string(buffer) : json_null();
}

static json_t *bound_of(struct bound b)
{
	return json_pack("{s:o,s:o}", "not_before", time_of(b.not_before), "not_after",
			 time_of(b.not_after));
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
		json_array_append_new(array, text(texts[i]));
	return array;
}

static json_t *id_of(const char *prefix, int64_t number)
{
	return json_sprintf("%s%lld", prefix, (long long)number);
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

/* Stored, computed and absent digests are three facts; true only if every stored one agrees. */
static json_t *verified(const struct case_evidence *e)
{
	const bool md5 = e->md5 && e->stored_md5, sha1 = e->sha1 && e->stored_sha1;

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
			"{s:o,s:o}", "at", own ? instant_of(e->acquired) : time_of(w->j->acquired),
			"basis", string(own ? e->acquired_basis : w->j->acquired_basis));

		json_array_append_new(
			array,
			json_pack("{s:o,s:s,s:s,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "id",
				  id_of("E", e->id), "path", e->path, "format", e->format, "size",
				  (json_int_t)e->size, "segments", lines_of(e->segments), "sha256",
				  string(e->sha256), "md5", string(e->md5), "sha1", string(e->sha1),
				  "stored_md5", string(e->stored_md5), "stored_sha1",
				  string(e->stored_sha1), "verified", verified(e), "acquired",
				  acquired, "unreadable", lines_of(e->unreadable)));
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
							      instant_of(v->snapshot_created)) :
						    json_null();

		json_array_append_new(
			array, json_pack("{s:o,s:o,s:I,s:I,s:I,s:o,s:o,s:o,s:s,s:o}", "id",
					 id_of("V", v->id), "evidence", id_of("E", v->evidence),
					 "logical", (json_int_t)v->logical, "offset",
					 (json_int_t)v->offset, "size",
					 (json_int_t)v->size, "filesystem", string(v->filesystem),
					 "label", string(v->label), "snapshot", snapshot, "status",
					 volume_status(v->reading), "problems",
					 problems_of_volume(w, v->id)));
	}
	return array;
}

/* One stay of a product that protects, as an entry of the protection timeline. */
struct stay {
	const struct product *product;
	const struct episode *episode;
};

static int by_start(const void *a, const void *b)
{
	const struct stay *x = a, *y = b;
	const int64_t s = x->episode->installed.not_after, t = y->episode->installed.not_after;

	if (s != t)
		return s < t ? -1 : 1;
	return strcmp(x->product->id, y->product->id);
}

/* The first protecting product that came at or after a stay ended, or stands all through. */
static json_t *follower(const struct stay *stays, size_t n, size_t at)
{
	const int64_t end = stays[at].episode->removal.not_before;

	if (!stays[at].episode->removed || end == BOUND_OPEN_START)
		return json_null();
	for (size_t i = 0; i < n; i++) {
		const struct episode *e = stays[i].episode;
		const bool after = e->installed.not_after > end;
		const bool through = !after && (!e->removed || e->removal.not_before > end);

		if (i == at || (!after && !through))
			continue;
		return json_pack("{s:s,s:b,s:o}", "product", stays[i].product->id, "stood_before",
				 through, "from", time_of(e->installed.not_after));
	}
	return json_null();
}

/*
 * Which products protected a system when: their stays in order, and for each that ended what
 * stood or came after it; null there is a stretch for which no protection is known.
 */
static json_t *protection(const struct writing *w, size_t system)
{
	enum { STAYS_MAX = 256 };
	struct stay stays[STAYS_MAX];
	json_t *array = json_array();
	size_t n = 0;

	for (size_t i = 0; i < w->j->n_histories; i++) {
		const struct product_history *h = &w->j->histories[i];
		const struct product *p = &w->s->products[h->product];

		for (size_t k = 0; k < h->n_episodes && n < STAYS_MAX; k++)
			if (h->system == system && p->kind == KIND_PROTECTION && h->proved)
				stays[n++] = (struct stay){ p, &h->episodes[k] };
	}
	qsort(stays, n, sizeof(*stays), by_start);
	for (size_t i = 0; i < n; i++) {
		const struct episode *e = stays[i].episode;

		json_array_append_new(
			array, json_pack("{s:s,s:o,s:o,s:o}", "product", stays[i].product->id,
					 "installed", bound_of(e->installed), "removed",
					 e->removed ? bound_of(e->removal) : json_null(),
					 "followed_by", follower(stays, n, i)));
	}
	return array;
}

static json_t *systems(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->j->n_systems; i++) {
		const struct system *s = &w->j->systems[i];

		json_array_append_new(
			array, json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "protection",
					 protection(w, i), "id", id_of("S", (int64_t)i + 1), "volume",
					 id_of("V", s->volume), "os", text(s->os), "version",
					 text(s->version), "hostname", text(s->hostname),
					 "timezone", text(s->timezone), "installed_at",
					 time_of(s->installed_at), "last_activity",
					 time_of(s->last_activity)));
	}
	return array;
}

/* -- products and witnesses ----------------------------------------------------------------- */

static json_t *episode(const struct writing *w, const struct episode *e)
{
	const size_t ends[] = { e->installed_by[0], e->installed_by[1], e->removed_by[0],
				e->removed_by[1] };
	json_t *qualified = json_array();

	for (size_t i = 0; i < e->n_qualified; i++)
		json_array_append_new(qualified, json_string(e->qualified[i]));
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:b,s:o}", "name", text(e->name), "version",
			 text(e->version), "installed",
			 bound_of(e->installed), "removed",
			 e->removed ? bound_of(e->removal) : json_null(), "witnesses",
			 witness_ids(w, ends, 4), "removal_recorded_at", time_of(e->act),
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

static json_t *products(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->j->n_histories; i++) {
		const struct product_history *h = &w->j->histories[i];
		const struct product *p = &w->s->products[h->product];
		json_t *episodes;

		/* An installer that was never run, a folder that anybody can make: no product. */
		if (!h->proved && !h->residue_counts && !h->named)
			continue;
		episodes = json_array();

		for (size_t k = 0; k < h->n_episodes; k++)
			json_array_append_new(episodes, episode(w, &h->episodes[k]));
		json_array_append_new(
			array,
			json_pack("{s:s,s:s,s:s,s:o,s:o,s:s,s:b,s:o,s:o}", "id", p->id, "vendor",
				  p->vendor, "name", p->name, "version",
				  h->n_episodes ? text(h->episodes[h->n_episodes - 1].version) :
						  json_null(),
				  "system", id_of("S", (int64_t)h->system + 1), "state",
				  product_state_name(h->state), "residue_counts",
				  h->residue_counts, "residue", residue(w, h), "episodes",
				  episodes));
	}
	return array;
}

static json_t *locator(const struct writing *w, const struct witness *x)
{
	const struct case_source *source = x->source;
	const struct case_volume *volume = find_volume(w->c, source->volume);
	const struct case_trace *t = x->trace;
	const struct case_place none = { 0 }, *place = t ? &t->place : &none;

	return json_pack(
		"{s:o,s:o,s:I,s:o,s:s,s:I,s:I,s:o,s:o,s:o,s:o,s:s,s:o}", "evidence",
		volume ? id_of("E", volume->evidence) : json_null(), "volume",
		id_of("V", source->volume), "volume_offset",
		(json_int_t)(volume ? volume->offset : 0), "snapshot",
		volume && volume->snapshot_of ? instant_of(volume->snapshot_created) : json_null(),
		"file", place->file ? place->file : source->path, "entry",
		(json_int_t)(place->file ? place->entry : source->entry), "sequence",
		(json_int_t)(place->file ? place->sequence : source->sequence), "attribute",
		string(place->attribute), "offset",
		t && t->trace.origin.size ? json_integer((json_int_t)t->trace.origin.offset) :
					    json_null(),
		"size",
		t && t->trace.origin.size ? json_integer((json_int_t)t->trace.origin.size) :
					    json_null(),
		"address", t ? text(t->trace.origin.address) : json_null(), "recovery",
		t ? recovery_name(t->trace.recovery) : "allocated", "sha256",
		string(place->sha256));
}

static json_t *witnesses(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->j->n_witnesses; i++) {
		const struct witness *x = &w->j->witnesses[i];

		json_array_append_new(
			array,
			json_pack("{s:s,s:o,s:o,s:o,s:s,s:o,s:o,s:s,s:o,s:s,s:o,s:o}", "id", x->id,
				  "product", product_id(w, x->product), "system",
				  id_of("S", (int64_t)x->system + 1), "component",
				  x->component ? json_string(x->component->id) : json_null(),
				  "assertion", assertion_name(x->assertion), "not_before",
				  time_of(x->when.not_before), "not_after",
				  time_of(x->when.not_after), "family", family_name(x->family),
				  "qualified", string(x->qualified), "source",
				  x->trace ? x->trace->trace.type->name : "absence", "text",
				  text(x->text), "locator", locator(w, x)));
	}
	return array;
}

/* -- clock, coverage, verdicts, problems ----------------------------------------------------- */

static json_t *clocks(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->j->n_doubts; i++)
		json_array_append_new(
			array, json_pack("{s:o,s:o,s:o,s:o}", "system",
					 id_of("S", (int64_t)w->j->doubts[i].system + 1), "from",
					 time_of(w->j->doubts[i].from), "to",
					 time_of(w->j->doubts[i].to), "text",
					 text(w->j->doubts[i].text)));
	return json_pack("{s:b,s:o}", "trusted", w->j->n_doubts == 0, "problems", array);
}

static json_t *coverage(const struct writing *w)
{
	json_t *array = json_array();

	for (size_t i = 0; i < w->c->n_coverage; i++) {
		const struct case_coverage *c = &w->c->coverage[i];
		const struct case_source *source = find_source(w->c, c->source);

		json_array_append_new(
			array, json_pack("{s:s,s:o,s:o,s:o,s:o}", "source", c->recorder, "file",
					 source ? json_string(source->path) : json_null(), "volume",
					 source ? id_of("V", source->volume) : json_null(), "from",
					 instant_of(c->from), "to", instant_of(c->to)));
	}
	return array;
}

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
			json_pack("{s:o,s:s,s:s,s:s,s:s,s:o,s:s,s:o,s:b,s:o,s:o,s:o,s:b,s:b}",
				  "system",
				  v->system == NO_SYSTEM ? json_null() :
							   id_of("S", (int64_t)v->system + 1),
				  "mandate", v->mandate->id, "title", v->mandate->title,
				  "milestone", v->milestone->id, "duty", duty_name(v->duty),
				  "deadline", time_of(v->deadline), "outcome",
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
			array, json_pack("{s:s,s:s,s:o,s:b}", "where", p->where, "what", p->what,
					 "offset",
					 p->offset == FAILURE_NO_OFFSET ?
						 json_null() :
						 json_integer((json_int_t)p->offset),
					 "lost", p->lost));
	}
	for (size_t i = 0; i < w->j->n_problems; i++)
		json_array_append_new(array,
				      json_pack("{s:s,s:o,s:n,s:b}", "where", "judgement", "what",
						text(w->j->problems[i]), "offset", "lost", 1));
	return array;
}

json_t *document_build(const struct case_contents *contents, const struct judgement *judgement,
		       const struct signature_set *signatures, const char *tool_version)
{
	const struct writing w = { contents, judgement, signatures };

	return json_pack("{s:s,s:{s:s,s:s,s:s},s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "schema",
			 "avouch.report/1", "tool", "name", "avouch", "version", tool_version,
			 "signatures_sha256", signatures->sha256, "evidence", evidence(&w),
			 "volumes", volumes(&w), "systems", systems(&w), "products", products(&w),
			 "witnesses", witnesses(&w), "clock", clocks(&w), "coverage", coverage(&w),
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
