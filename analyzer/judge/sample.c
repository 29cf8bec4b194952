/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/sample.h"

#include "parsers/base/text.h"

/* -- finding them ------------------------------------------------------------------------- */

static struct text folder_of(const struct case_source *source)
{
	const char *slash = strrchr(source->path, '/');

	return (struct text){ source->path, slash ? (size_t)(slash - source->path) : 0 };
}

static bool is_hive(const struct case_source *source, const char *name)
{
	const struct text path = text_of(source->path), folder = folder_of(source);
	const struct text file = { path.data + folder.size, path.size - folder.size };
	const struct text wanted = text_of(name);
	const struct text tail = { file.data + (file.size - wanted.size), wanted.size };

	return !source->deleted && file.size > wanted.size && text_equal_folded(tail, wanted) &&
	       (tail.data[-1] == '/' || tail.data[-1] == '_');
}

/* The SYSTEM hive beside a SOFTWARE hive; NULL when there is none. */
static const struct case_source *beside(const struct case_contents *c,
					const struct case_source *software)
{
	for (size_t i = 0; i < c->n_sources; i++)
		if (c->sources[i].volume == software->volume && is_hive(&c->sources[i], "SYSTEM") &&
		    text_equal_folded(folder_of(&c->sources[i]), folder_of(software)))
			return &c->sources[i];
	return NULL;
}

/* What the parser of hives said of the file (parsers/registry/hive_file.c); NULL when nothing. */
static const struct case_trace *hive_trace(const struct case_contents *c,
					   const struct case_source *source)
{
	for (size_t i = 0; i < c->n_traces; i++) {
		const struct case_trace *t = &c->traces[i];

		if (t->source == source->id &&
		    strcmp(t->trace.type->name, "windows.registry.hive") == 0)
			return t;
	}
	return NULL;
}

/* The time of a copy: that of its latest key. */
static int64_t copied_at(const struct case_contents *c, const struct case_source *source)
{
	const struct case_trace *t = hive_trace(c, source);

	return t ? trace_instant(&t->trace, "latest").ticks : 0;
}

static int64_t time_of(const struct judging *j, const struct case_source *source)
{
	const struct case_volume *volume = find_volume(j->contents, source->volume);

	if (sample_of_source(j->contents, source) != SAMPLE_SNAPSHOT)
		return copied_at(j->contents, source);
	return volume && instant_is_set(volume->snapshot_created) ?
		volume->snapshot_created.ticks : 0;
}

static bool sample_from(const struct judging *j, const struct case_source *software,
			struct registry_sample *ret)
{
	const struct case_source *system = beside(j->contents, software);

	if (!system || sample_of_source(j->contents, software) == SAMPLE_LIVE)
		return false;
	*ret = (struct registry_sample){ .software = software,
					 .system = system,
					 .of = system_of_source(j->contents, j->systems,
								j->n_systems, software),
					 .software_at = time_of(j, software),
					 .system_at = time_of(j, system) };
	if (ret->of == NO_SYSTEM || !ret->software_at || !ret->system_at)
		return false;
	ret->when = ret->software_at < ret->system_at ?
			    bound_between(ret->software_at, ret->system_at) :
			    bound_between(ret->system_at, ret->software_at);
	return true;
}

enum status samples_find(struct judging *j, struct failure *why)
{
	struct registry_sample *samples =
		arena_array(j->arena, j->contents->n_sources + 1, sizeof(*samples));

	if (!samples)
		return failure_set(why, ERR_NO_MEMORY, "samples of the registry");
	j->samples = samples;
	for (size_t i = 0; i < j->contents->n_sources; i++)
		if (is_hive(&j->contents->sources[i], "SOFTWARE"))
			j->n_samples += sample_from(j, &j->contents->sources[i],
						    &samples[j->n_samples]);
	return STATUS_OK;
}

int64_t sampled_at(const struct judging *j, const struct case_source *source)
{
	for (size_t i = 0; i < j->n_samples; i++) {
		if (j->samples[i].software == source)
			return j->samples[i].software_at;
		if (j->samples[i].system == source)
			return j->samples[i].system_at;
	}
	return 0;
}

/* -- absence ------------------------------------------------------------------------------ */

static bool stands_in(const struct registry_sample *s, const struct witness *w)
{
	return (w->source == s->software || w->source == s->system) &&
	       w->assertion == ASSERTS_PRESENT && w->trace &&
	       (w->trace->trace.recovery == RECOVERY_ALLOCATED ||
		w->trace->trace.recovery == RECOVERY_LOG_REPLAYED);
}

static enum status add_absence(struct judging *j, struct witness_list *list, size_t system,
			       size_t product, struct witness w, struct failure *why)
{
	w.system = system;
	w.product = product;
	w.assertion = ASSERTS_ABSENT;
	w.when.not_before = BOUND_OPEN_START; /* it went by then; that it stood until then is not said */
	/* A sample of a doubtful time is not known to lie before or after anything. */
	if (doubts_apply(j->doubts, j->n_doubts, system, NULL, &w.when))
		return STATUS_OK;
	witness_name(j->contents, &w);
	return witness_add(list, &w, why);
}

/* One product's witnesses on one system, in the sorted list. */
struct range {
	size_t first, end;
};

static bool known_in(const struct registry_sample *s, const struct witness_list *list,
		     struct range r)
{
	for (size_t i = r.first; i < r.end; i++)
		if (stands_in(s, &list->items[i]))
			return true;
	return false;
}

static enum status absence_in_samples(struct judging *j, struct witness_list *list,
				      struct range r, struct failure *why)
{
	const size_t system = list->items[r.first].system;
	const size_t product = list->items[r.first].product;

	for (size_t i = 0; i < j->n_samples; i++) {
		const struct registry_sample *s = &j->samples[i];
		const bool shadow = sample_of_source(j->contents, s->software) == SAMPLE_SNAPSHOT;
		struct witness w = { .trace = hive_trace(j->contents, s->software),
				     .source = s->software,
				     .family = shadow ? FAMILY_SNAPSHOT : FAMILY_SYSTEM,
				     .when = s->when };

		if (s->of != system || s->software->reading != READING_READ ||
		    s->system->reading != READING_READ || known_in(s, list, r))
			continue;
		w.text = shadow ? TEXT("the registry of a shadow copy, read completely, does not "
				       "know the product") :
				  TEXT("a copy of the registry, read completely, does not know the "
				       "product");

		const enum status status = add_absence(j, list, system, product, w, why);

		if (status < 0)
			return status;
	}
	return STATUS_OK;
}

/* The record of when the present Windows was installed, unless it was upgraded from another. */
static const struct case_trace *installation_of(const struct judging *j, size_t system)
{
	const struct system *s = &j->systems[system];
	const struct case_trace *found = NULL;

	for (size_t i = 0; i < j->contents->n_traces; i++) {
		const struct case_trace *t = &j->contents->traces[i];
		const struct case_source *source = find_source(j->contents, t->source);

		if (source == s->system &&
		    strcmp(t->trace.type->name, "windows.system.source-os") == 0)
			return NULL;
		if (source == s->software &&
		    strcmp(t->trace.type->name, "windows.system.version") == 0 &&
		    trace_instant(&t->trace, "installed").ticks == s->installed_at)
			found = t;
	}
	return s->installed_at ? found : NULL;
}

/* What is known of a product from before and after the present Windows was installed. */
struct around {
	bool former; /* Windows.old knows it */
	bool before, after;
};

static struct around look_around(const struct judging *j, const struct witness_list *list,
				 struct range r, int64_t installed)
{
	struct around a = { false, false, false };

	for (size_t i = r.first; i < r.end; i++) {
		const struct witness *w = &list->items[i];

		if (sample_of_source(j->contents, w->source) == SAMPLE_FORMER ||
		    (w->trace && is_set_aside(trace_text(&w->trace->trace, "path"))))
			a.former |= w->assertion == ASSERTS_PRESENT && !w->weak;
		else if (w->at_acquisition)
			a.after |= w->role == ROLE_PROTECTION || w->role == ROLE_REGISTRATION;
		else if ((w->assertion == ASSERTS_BEGIN || w->assertion == ASSERTS_PRESENT) &&
			 !w->weak && bound_has_end(w->when) && w->when.not_after < installed)
			a.before = true;
		else if (!w->weak && bound_has_end(w->when) && w->when.not_after >= installed &&
			 (!bound_has_start(w->when) ||
			  w->when.not_before <= installed + TICKS_PER_DAY))
			a.after = true;
	}
	return a;
}

/*
 * What stood on a former installation, and nowhere on the present one until a day after that was
 * installed, went with the former by then.
 */
static enum status absence_by_replacement(struct judging *j, struct witness_list *list,
					  struct range r, struct failure *why)
{
	const size_t system = list->items[r.first].system;
	const struct system *s = &j->systems[system];
	const struct case_trace *installation = installation_of(j, system);

	if (!installation || !s->hives_whole)
		return STATUS_OK;

	const struct around a = look_around(j, list, r, s->installed_at);

	if ((!a.former && !a.before) || a.after)
		return STATUS_OK;
	return add_absence(
		j, list, system, list->items[r.first].product,
		(struct witness){ .trace = installation,
				  .source = s->software,
				  .family = FAMILY_SYSTEM,
				  .when = bound_at(s->installed_at),
				  .qualified = a.former ? NULL :
							  "that the present Windows replaced an "
							  "older one is inferred from its date",
				  .text = TEXT("the Windows that it stood on was replaced by one "
					       "that does not know it, installed at this time") },
		why);
}

enum status samples_assert_absence(struct judging *j, struct witness_list *list,
				   struct failure *why)
{
	const size_t n = list->n;
	struct range r = { 0, 0 };

	for (; r.first < n; r.first = r.end) {
		const size_t system = list->items[r.first].system;
		const size_t product = list->items[r.first].product;

		for (r.end = r.first; r.end < n && list->items[r.end].system == system &&
				      list->items[r.end].product == product;)
			r.end++;

		enum status status = absence_in_samples(j, list, r, why);

		if (status >= 0)
			status = absence_by_replacement(j, list, r, why);
		if (status < 0)
			return status;
	}
	return STATUS_OK;
}
