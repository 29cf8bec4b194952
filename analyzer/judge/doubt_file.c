/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/doubt.h"
#include "parsers/base/text.h"

/* Copies across zones and whole-second file systems shift times by hours, not by more. */
static const int64_t file_times_slack = TICKS_PER_DAY;

static bool whole_second(struct instant i)
{
	return instant_is_set(i) && i.ticks % TICKS_PER_SECOND == 0;
}

/*
 * The time of the last change of an entry is set by the file system; copying and unpacking leave it
 * alone. It cannot be older than the name it belongs to ($FILE_NAME is written
 * when the name is made), nor fall on whole seconds together with every other time while the name's
 * own does not. Creation times before the name's are what installers keep from their packages, and
 * no contradiction.
 */
static const char *contradiction(const struct trace *t)
{
	const struct instant changed = trace_instant(t, "changed");
	const struct instant named = trace_instant(t, "name_created");

	if (!instant_is_set(changed) || !instant_is_set(named))
		return NULL;
	if (changed.ticks < named.ticks - file_times_slack)
		return "its entry was changed before its name was created";
	if (whole_second(changed) && whole_second(trace_instant(t, "created")) &&
	    whole_second(trace_instant(t, "modified")) && !whole_second(named))
		return "all its times fall on whole seconds, that of its name does not";
	return NULL;
}

enum status doubts_of_files(struct doubting *d, struct failure *why)
{
	enum status status = STATUS_OK;

	for (size_t i = 0; i < d->contents->n_traces && status >= 0; i++) {
		const struct case_trace *t = &d->contents->traces[i];
		const struct case_source *source = find_source(d->contents, t->source);
		const char *what = trace_type_is(t, "filesystem.file") ? contradiction(&t->trace) :
									 NULL;
		char changed[INSTANT_TEXT_SIZE], named[INSTANT_TEXT_SIZE];

		if (!what || !source)
			continue;

		const struct text path = trace_text(&t->trace, "path");
		const int64_t a = trace_instant(&t->trace, "changed").ticks;
		const int64_t b = trace_instant(&t->trace, "name_created").ticks;
		struct doubt doubt = {
			.kind = DOUBT_FILE_TIMES,
			.system = system_of_source(d->contents, d->systems, d->n_systems, source),
			.from = a < b ? a : b,
			.to = a < b ? b : a,
			.trace = t,
			.of_trace = true
		};

		if (doubt.system == NO_SYSTEM)
			continue;
		doubt.text = text_of(arena_printf(
			d->arena, "the times of %.*s contradict each other: %s (changed %s, name created %s)",
			(int)path.size, path.data ? path.data : "", what, ticks_format(a, changed),
			ticks_format(b, named)));
		status = doubt_add(d, &doubt, why);
	}
	return status;
}
