/* SPDX-License-Identifier: Apache-2.0 */
/* What weakens any outcome of a system, whatever it rests on. */
#include "analyzer/judge/weighing.h"

/* A log that was cleared before the product came held nothing of its stay. */
static bool clearing_matters(const struct weighing *w)
{
	const struct system *s = w->system;

	if (!s->logs_cleared_by)
		return false;
	return !w->h || w->h->n_episodes == 0 ||
	       s->logs_cleared_at >= w->h->episodes[0].installed.not_before;
}

/* What was not there when the evidence was acquired may have come by a limit that lay ahead. */
static void note_limit_ahead(struct weighing *w, enum outcome outcome)
{
	if ((outcome != OUTCOME_REMOVED_IN_TIME && outcome != OUTCOME_NO_TRACE) ||
	    !w->all->acquired || w->all->acquired >= w->deadline)
		return;
	say(&w->qualified, acquired_before(w) ?
				   "the evidence was acquired before the limit and does not show "
				   "what came in between" :
				   "nothing of the evidence is known to be from after the limit: what "
				   "came in between would not show");
}

void qualify_system(struct weighing *w, enum outcome outcome)
{
	const struct system *s = w->system;
	char at[INSTANT_TEXT_SIZE];

	if (outcome == OUTCOME_NOTED || outcome == OUTCOME_NOT_APPLICABLE)
		return;
	note_limit_ahead(w, outcome);
	if (clearing_matters(w))
		say(&w->qualified, "an event log of this system was cleared at %s",
		    ticks_format(s->logs_cleared_at, at));
	if (s->n_partly_read)
		say(&w->qualified, "%zu source(s) of this system could not be read to the end: %s%s",
		    s->n_partly_read, s->partly_read->path, s->n_partly_read > 1 ? ", ..." : "");
	for (size_t i = 0; i < w->j->contents->n_volumes; i++)
		if (w->j->contents->volumes[i].reading == READING_ENCRYPTED)
			say(&w->qualified, "an encrypted volume of the evidence was not read");
	if (!s->logs_stand)
		say(&w->qualified, "no event log of this system stands");
	if (!s->hives_whole)
		say(&w->qualified, "a registry hive of this system could not be read completely");
	if (!s->files_whole)
		say(&w->qualified,
		    "the file system's metadata could not be read completely");
	if (!collected_for(w->j->contents, w->j->signatures) && !outcome_is_adverse(outcome))
		say(&w->qualified, "files and keys that only the present signatures name were not "
				   "collected");
	for (size_t i = 0; i < w->j->n_doubts; i++) {
		const struct doubt *d = &w->j->doubts[i];

		if (&w->j->systems[d->system] == s &&
		    doubt_matters(d, w->all, w->h ? last_episode(w->h) : NULL, w->deadline))
			say(&w->qualified, "%.*s", (int)d->text.size, d->text.data);
	}
	for (size_t i = 0; i < w->j->contents->n_evidence; i++) {
		const struct case_evidence *e = &w->j->contents->evidence[i];

		if (e->unreadable)
			say(&w->qualified, "parts of the evidence are unreadable");
		if (case_medium_failed(e))
			say(&w->qualified, "the digests of the evidence could not be computed");
		if ((e->md5 && e->stored_md5 && strcmp(e->md5, e->stored_md5) != 0) ||
		    (e->sha1 && e->stored_sha1 && strcmp(e->sha1, e->stored_sha1) != 0))
			say(&w->qualified, "a stored hash does not match the evidence");
	}
}
