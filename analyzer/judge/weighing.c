/* SPDX-License-Identifier: Apache-2.0 */
/* How the outcome of one product is reached, row by row, and what it is told by. */
#include "analyzer/judge/building.h"
#include "analyzer/judge/weighing.h"

#include <stdarg.h>
#include <stdio.h>

#include "parsers/base/text.h"

/* -- sentences and citations -------------------------------------------------------------- */

void say(struct notes *notes, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut is fine */
	va_end(args);

	/* A text cut by printf may end inside a character. */
	const struct text told = text_from_utf8(notes->arena, span_of(text, strlen(text)), NULL);

	for (size_t i = 0; i < notes->n; i++)
		if (text_equal(notes->items[i], told))
			return;
	if (notes->n < REASONS_MAX)
		notes->items[notes->n++] = told;
}

void cite(struct weighing *w, size_t witness)
{
	for (size_t i = 0; i < w->n_witnesses; i++)
		if (w->witnesses[i] == witness)
			return;
	if (witness != NO_WITNESS && w->n_witnesses < WITNESSES_MAX)
		w->witnesses[w->n_witnesses++] = witness;
}

static void cite_episode(struct weighing *w, const struct episode *e)
{
	for (int i = 0; i < 2; i++) {
		cite(w, e->removed_by[i]);
		cite(w, e->installed_by[i]);
	}
}

static const char *time_text(int64_t ticks, char buffer[INSTANT_TEXT_SIZE])
{
	return ticks == BOUND_OPEN_START || ticks == BOUND_OPEN_END ? "unknown" :
								      ticks_format(ticks, buffer);
}

static void explain_episode(struct weighing *w, const struct episode *e)
{
	char a[INSTANT_TEXT_SIZE], b[INSTANT_TEXT_SIZE];

	say(&w->reasons, "installed between %s and %s", time_text(e->installed.not_before, a),
	    time_text(e->installed.not_after, b));
	if (e->removed)
		say(&w->reasons, "removed between %s and %s", time_text(e->removal.not_before, a),
		    time_text(e->removal.not_after, b));
	else
		say(&w->reasons, "no end of this stay was found");
	if (e->removed && e->restart_pending && e->act)
		say(&w->reasons,
		    "the installer finished the removal at %s; files waited for a restart",
		    time_text(e->act, a));
	for (size_t i = 0; i < e->n_qualified; i++)
		say(&w->qualified, "%s", e->qualified[i]);
	cite_episode(w, e);
}

/* -- the rows of the table ---------------------------------------------------------------- */

/*
 * The latest trace tells when the evidence was acquired at the earliest, never that it was then. And
 * where the machine's own records are later than the acquisition one of the two clocks was wrong.
 */
static bool acquisition_is_known(const struct weighing *w)
{
	if (!w->all->acquired || strcmp(w->all->acquired_basis, "latest-trace") == 0)
		return false;
	for (size_t i = 0; i < w->j->n_doubts; i++)
		if (w->j->doubts[i].kind == DOUBT_AFTER_ACQUISITION &&
		    &w->j->systems[w->j->doubts[i].system] == w->system)
			return false;
	return true;
}

bool acquired_before(const struct weighing *w)
{
	return acquisition_is_known(w) && w->all->acquired < w->deadline;
}

/* Whether the evidence was acquired before the limit or after it is not known. */
static bool acquired_at_unknown_side(const struct weighing *w)
{
	return !acquisition_is_known(w) && w->all->acquired < w->deadline;
}

/* Whole days from the issue of the act to an instant: "12 day(s) after". */
static const char *days_text(int64_t at, int64_t issued, char *buffer, size_t size)
{
	const int64_t days = (at - issued) / TICKS_PER_DAY;

	(void)snprintf(buffer, size, "%lld day(s) %s", (long long)(days < 0 ? -days : days),
		       at < issued ? "before" : "after");
	return buffer;
}

/* Where the act gives no last day the days that passed are facts of their own, as bounds. */
static void count_days(struct weighing *w)
{
	const struct instant issued = instant_parse(text_of(w->issued));
	const struct episode *e = last_episode(w->h);
	char first[48], last[48];

	if (!instant_is_set(issued) || !e || !e->removed || !bound_has_end(e->removal))
		return;
	(void)days_text(e->removal.not_after, issued.ticks, last, sizeof(last));
	if (!bound_has_start(e->removal))
		say(&w->reasons, "its last removal ended no later than %s the act was issued on %s",
		    last, w->issued);
	else if (strcmp(days_text(e->removal.not_before, issued.ticks, first, sizeof(first)),
			last) == 0)
		say(&w->reasons, "its last removal ended %s the act was issued on %s", last,
		    w->issued);
	else
		say(&w->reasons, "its last removal ended between %s and %s the act was issued on %s",
		    first, last, w->issued);
}

/* A beginning whose lower bound is at or after D. */
static bool installed_after(struct weighing *w)
{
	for (size_t i = 0; i < w->h->n_episodes; i++) {
		const struct episode *e = &w->h->episodes[i];

		if (bound_is_from(e->installed, w->deadline)) {
			explain_episode(w, e);
			return true;
		}
	}
	return false;
}

/* One stay that ended by D, and another that is proved at some time from D on. */
static bool reinstalled(struct weighing *w)
{
	for (size_t i = 0; i + 1 < w->h->n_episodes; i++) {
		const struct episode *before = &w->h->episodes[i];

		if (!before->removed || !bound_has_end(before->removal) ||
		    before->removal.not_after > w->deadline)
			continue;
		for (size_t k = i + 1; k < w->h->n_episodes; k++) {
			const struct episode *e = &w->h->episodes[k];
			const bool stands = !e->removed && w->h->state == STATE_INSTALLED &&
					    w->all->acquired >= w->deadline;

			if (!stands && !(e->removed && bound_is_from(e->removal, w->deadline)) &&
			    !bound_is_from(e->installed, w->deadline))
				continue;
			explain_episode(w, before);
			explain_episode(w, e);
			return true;
		}
	}
	return false;
}

/* Proof that the product ran or worked at or after D. */
static size_t used_from(const struct weighing *w)
{
	for (size_t i = 0; i < w->all->n_witnesses; i++) {
		const struct witness *x = &w->all->witnesses[i];

		if (x->system == w->h->system && x->product == w->h->product && x->use &&
		    !x->weak && bound_is_from(x->when, w->deadline))
			return i;
	}
	return NO_WITNESS;
}

/* What it stands by: its service and program, the installer's record; of an engine its drivers. */
static bool shows_it_stands(const struct weighing *w, const struct witness *x)
{
	return x->at_acquisition &&
	       (x->role == ROLE_PROTECTION || x->role == ROLE_REGISTRATION ||
		(x->role == ROLE_LOADS && product_is_engine(w->j, x->product)));
}

static enum outcome still_there(struct weighing *w)
{
	if (w->h->n_episodes)
		explain_episode(w, last_episode(w->h));
	for (size_t i = 0; i < w->all->n_witnesses; i++) {
		const struct witness *x = &w->all->witnesses[i];

		if (x->system == w->h->system && x->product == w->h->product &&
		    shows_it_stands(w, x))
			cite(w, i);
	}
	say(&w->reasons, "its essential parts stood when the evidence was acquired");
	if (acquired_at_unknown_side(w)) {
		say(&w->reasons, "whether the evidence was acquired before the limit is not known: "
				 "a time of acquisition that can be relied on would decide");
		return OUTCOME_INDETERMINATE;
	}
	if (w->duty == DUTY_NO_USE_FROM && w->system->last_activity < w->deadline &&
	    used_from(w) == NO_WITNESS) {
		say(&w->reasons, "nothing shows that the machine ran at or after the limit");
		return OUTCOME_INDETERMINATE;
	}
	if (w->system->last_activity && w->system->last_activity < w->deadline)
		say(&w->qualified, "the machine did not run after the limit");
	return OUTCOME_NOT_REMOVED;
}

static enum outcome residue_remains(struct weighing *w)
{
	const struct episode *e = last_episode(w->h);

	if (e)
		explain_episode(w, e);
	for (size_t i = 0; i < w->h->n_loads; i++)
		cite(w, w->h->loads[i]);
	say(&w->reasons, "%zu registration(s) that would still load something remain",
	    w->h->n_loads);
	return OUTCOME_RESIDUE;
}

/* Whether a witness alone puts the removal on this side of D. */
static bool decides_alone(const struct weighing *w, const struct witness *x, bool in_time)
{
	if (x->system != w->h->system || x->product != w->h->product || x->weak)
		return false;
	if (in_time)
		return (x->assertion == ASSERTS_END || x->assertion == ASSERTS_ABSENT) &&
		       bound_is_before(x->when, w->deadline);
	return bound_is_from(x->when, w->deadline) && x->assertion != ASSERTS_ATTEMPT &&
	       x->assertion != ASSERTS_RESIDUE;
}

/* Counts the families that agree, each with its first witness. */
static void count_families(struct weighing *w, bool in_time)
{
	bool seen[FAMILY_COUNT] = { false };
	unsigned n = 0;

	for (size_t i = 0; i < w->all->n_witnesses; i++) {
		const struct witness *x = &w->all->witnesses[i];

		if (seen[x->family] || !decides_alone(w, x, in_time))
			continue;
		seen[x->family] = true;
		n++;
		cite(w, i);
	}
	say(&w->reasons, "%u independent famil%s of records place%s the removal there", n,
	    n == 1 ? "y" : "ies", n == 1 ? "s" : "");
	if (n <= 1)
		say(&w->qualified, "the deciding bound rests on one family of records");
}

/* No act names an hour: what lies within a day of the limit depends on reading it. */
static void note_edge(struct weighing *w, int64_t at)
{
	if (!w->names_hour && at != BOUND_OPEN_START && at != BOUND_OPEN_END &&
	    (at > w->deadline ? at - w->deadline : w->deadline - at) < TICKS_PER_DAY)
		say(&w->qualified,
		    "evidence lies within 24 h of the limit and the act names no hour");
}

/* Services and drivers that are registered still, though they would load nothing. */
static void note_orphans(struct weighing *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->h->n_residue; i++) {
		const struct witness *x = &w->all->witnesses[w->h->residue[i]];

		if (!x->trace ||
		    strcmp(x->trace->trace.type->name, "windows.registry.service") != 0)
			continue;
		if (n++ < 4)
			cite(w, w->h->residue[i]);
	}
	if (n)
		say(&w->reasons, "%zu of them are services or drivers that are registered still: "
				 "disabled, marked for deletion or without their file", n);
}

/* Such a registry shows no state after D: the product may have come again. */
bool state_is_older(struct weighing *w)
{
	const struct doubt *d = doubt_of_state(w->j->doubts, w->j->n_doubts,
					       (size_t)(w->system - w->j->systems), w->deadline);

	if (d)
		say(&w->reasons, "%.*s", (int)d->text.size, d->text.data);
	return d != NULL;
}

/*
 * Whether a log or journal reaches over all the time from the removal to the limit (or to the last
 * activity before it): only then would an installation in between have shown.
 */
static bool return_would_show(const struct weighing *w, int64_t gone)
{
	const struct case_contents *c = w->j->contents;
	const int64_t until = w->system->last_activity && w->system->last_activity < w->deadline ?
				      w->system->last_activity : w->deadline;

	for (size_t i = 0; i < c->n_coverage; i++) {
		const struct case_coverage *span = &c->coverage[i];
		const struct case_source *source = find_source(c, span->source);

		if (!source || source->deleted || !instant_is_set(span->from) ||
		    !instant_is_set(span->to) || span->from.ticks > gone ||
		    span->to.ticks < until - TICKS_PER_DAY)
			continue;

		const size_t of = system_of_source(c, w->j->systems, w->j->n_systems, source);

		if (of != NO_SYSTEM && &w->j->systems[of] == w->system &&
		    (strncmp(span->recorder, "event log", 9) == 0 ||
		     strstr(span->recorder, "journal")))
			return true;
	}
	return false;
}

/* A program that was taken off the registry and left on the disk can be started by hand. */
static void note_program(struct weighing *w)
{
	for (size_t i = 0; i < w->h->n_residue; i++) {
		const struct witness *x = &w->all->witnesses[w->h->residue[i]];

		if (x->role != ROLE_PROTECTION || !x->trace ||
		    strcmp(x->trace->trace.type->name, "filesystem.file") != 0 ||
		    !text_equal(trace_text(&x->trace->trace, "kind"), TEXT("file")) ||
		    is_set_aside(trace_text(&x->trace->trace, "path")))
			continue;
		say(&w->reasons, "its program file still stands; nothing registered starts it");
		cite(w, w->h->residue[i]);
		return;
	}
}

/* That somebody tried to install it again after it had gone. */
static void note_attempts(struct weighing *w, int64_t gone)
{
	char at[INSTANT_TEXT_SIZE];

	for (size_t i = 0; i < w->all->n_witnesses; i++) {
		const struct witness *x = &w->all->witnesses[i];

		if (x->system != w->h->system || x->product != w->h->product || x->weak ||
		    !is_failed_installation(x) || event_id(x->trace) != 1033 ||
		    !bound_is_from(x->when, gone))
			continue;
		say(&w->reasons, "an installation that was tried again failed at %s",
		    ticks_format(x->when.not_before, at));
		cite(w, i);
	}
}

static enum outcome gone(struct weighing *w)
{
	const struct episode *e = last_episode(w->h);

	explain_episode(w, e);
	if (w->h->n_residue)
		say(&w->reasons, "%zu leftover(s) that load nothing are noted", w->h->n_residue);
	note_orphans(w);
	note_program(w);
	note_attempts(w, e->removal.not_after);
	if (bound_is_from(e->removal, w->deadline)) {
		count_families(w, false);
		note_edge(w, e->removal.not_before);
		if (w->duty == DUTY_NO_USE_FROM)
			cite(w, used_from(w));
		return OUTCOME_REMOVED_LATE;
	}
	if (state_is_older(w))
		return OUTCOME_INDETERMINATE;
	if (bound_is_before(e->removal, w->deadline)) {
		count_families(w, true);
		note_edge(w, e->removal.not_after);
		if (!return_would_show(w, e->removal.not_after))
			say(&w->qualified, "no log or journal covers the time from the removal to the "
					   "limit: an installation in between might not show");
		return OUTCOME_REMOVED_IN_TIME;
	}
	say(&w->reasons, "the limit lies between the bounds of the removal: a record of presence "
			 "after it, or of absence before it, would decide");
	return OUTCOME_INDETERMINATE;
}

/* The latest proof that the product was there; NO_WITNESS when there is none with a date. */
static size_t last_proof(struct weighing *w)
{
	char at[INSTANT_TEXT_SIZE];
	size_t last = NO_WITNESS;

	for (size_t i = 0; i < w->all->n_witnesses; i++) {
		const struct witness *x = &w->all->witnesses[i];

		if (x->system == w->h->system && x->product == w->h->product && !x->weak &&
		    (x->assertion == ASSERTS_BEGIN || x->assertion == ASSERTS_PRESENT) &&
		    bound_has_start(x->when) &&
		    (last == NO_WITNESS ||
		     x->when.not_before > w->all->witnesses[last].when.not_before))
			last = i;
	}
	if (last != NO_WITNESS)
		say(&w->reasons, "it is last proved at %s",
		    ticks_format(w->all->witnesses[last].when.not_before, at));
	return last;
}

/* A tool that is run and never installed is never removed either: its runs are facts. */
static enum outcome weigh_tool(struct weighing *w)
{
	char at[INSTANT_TEXT_SIZE];
	size_t last = NO_WITNESS;

	for (size_t i = 0; i < w->all->n_witnesses; i++) {
		const struct witness *x = &w->all->witnesses[i];

		if (x->system == w->h->system && x->product == w->h->product &&
		    bound_has_start(x->when) && x->assertion != ASSERTS_RESIDUE &&
		    (last == NO_WITNESS ||
		     x->when.not_before > w->all->witnesses[last].when.not_before))
			last = i;
	}
	cite(w, last);
	say(&w->reasons, "a tool that is run without being installed; last seen at work: %s",
	    last == NO_WITNESS ? "unknown" :
				 ticks_format(w->all->witnesses[last].when.not_before, at));
	if (w->duty != DUTY_NO_USE_FROM || last == NO_WITNESS ||
	    !bound_is_from(w->all->witnesses[last].when, w->deadline))
		return OUTCOME_NOTED;
	say(&w->reasons, "whether one run of such a tool is the use that the act bars is not for "
			 "the evidence to say");
	return OUTCOME_INDETERMINATE;
}

/* It was here, and no stay can be told. */
static enum outcome unbounded(struct weighing *w)
{
	say(&w->reasons, product_is_engine(w->j, w->h->product) ?
				 "a product that may carry the engine was here; nothing shows that the "
				 "engine came or went with it" :
				 "its traces do not bound when it was installed or removed");
	for (size_t i = 0; i < w->all->n_witnesses && w->n_witnesses < 8; i++)
		if (w->all->witnesses[i].system == w->h->system &&
		    w->all->witnesses[i].product == w->h->product)
			cite(w, i);
	return OUTCOME_INDETERMINATE;
}

enum outcome weigh(struct weighing *w)
{
	const struct episode *last = last_episode(w->h);

	if (w->j->signatures->products[w->h->product].kind == KIND_TOOL)
		return weigh_tool(w);

	if (w->duty == DUTY_PROMPTLY || w->duty == DUTY_INFORMATION || w->deadline == 0) {
		for (size_t i = 0; i < w->h->n_episodes; i++)
			explain_episode(w, &w->h->episodes[i]);
		count_days(w);
		say(&w->reasons, "the duty has no date to judge by");
		return OUTCOME_NOTED;
	}
	if (w->duty == DUTY_NO_INSTALL_FROM) {
		if (installed_after(w))
			return OUTCOME_INSTALLED_AFTER;
		if (last && bound_has_end(last->installed) &&
		    last->installed.not_after < w->deadline) {
			explain_episode(w, last);
			return came_over_it(w) ? OUTCOME_INDETERMINATE : OUTCOME_NOTED;
		}
		if (last) {
			explain_episode(w, last);
			say(&w->reasons, "whether it came before the limit or after it is not known");
			return OUTCOME_INDETERMINATE;
		}
		return unbounded(w);
	}
	if (acquired_before(w) && (w->h->state == STATE_INSTALLED || w->h->residue_counts ||
				   (last && last->restart_pending && !bound_has_end(last->removal)))) {
		if (last)
			explain_episode(w, last);
		say(&w->reasons, "the evidence was acquired before the limit");
		return OUTCOME_NOT_YET_DUE;
	}
	if (reinstalled(w))
		return OUTCOME_REINSTALLED;
	if (w->h->state == STATE_INSTALLED)
		return still_there(w);
	if (w->h->residue_counts && w->h->state == STATE_RESIDUE)
		return residue_remains(w);
	if (last && last->removed)
		return gone(w);
	if (last && w->h->state == STATE_UNKNOWN) {
		explain_episode(w, last);
		cite(w, last_proof(w));
		say(&w->reasons, "whether it stood when the evidence was acquired could not be read");
		return OUTCOME_INDETERMINATE;
	}
	return unbounded(w);
}
