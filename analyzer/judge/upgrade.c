/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/building.h"
#include "parsers/base/text.h"

/* The end (1042) of the transaction that a 1040 record begins; 0 when it is not found. */
static int64_t transaction_end(const struct case_contents *c, const struct case_trace *begin)
{
	const int64_t from = trace_instant(&begin->trace, "time").ticks;
	int64_t end = 0;

	for (size_t i = 0; i < c->n_traces; i++) {
		const struct case_trace *t = &c->traces[i];

		if (!trace_is(t, "windows.event.msi") || event_id(t) != 1042)
			continue;
		const int64_t at = trace_instant(&t->trace, "time").ticks;

		if (at >= from &&
		    trace_uint(&t->trace, "client") == trace_uint(&begin->trace, "client") &&
		    text_equal_folded(trace_text(&t->trace, "transaction"),
				      trace_text(&begin->trace, "transaction")) &&
		    (end == 0 || at < end))
			end = at;
	}
	return end;
}

/* The 1040 record of the transaction that holds an instant; NULL when none is recorded. */
static const struct case_trace *transaction_of(const struct case_contents *c, int64_t at)
{
	for (size_t i = 0; i < c->n_traces; i++) {
		const struct case_trace *t = &c->traces[i];

		if (trace_is(t, "windows.event.msi") && event_id(t) == 1040 &&
		    trace_instant(&t->trace, "time").ticks <= at && transaction_end(c, t) >= at)
			return t;
	}
	return NULL;
}

/* Whether one client of the Windows Installer did both, in one go. */
static bool in_one_transaction(const struct case_contents *c, int64_t a, int64_t b)
{
	const struct case_trace *first = transaction_of(c, a), *second = transaction_of(c, b);

	if (!first || !second)
		return false;
	return first == second ||
	       (trace_uint(&first->trace, "client") != 0 &&
		trace_uint(&first->trace, "client") == trace_uint(&second->trace, "client") &&
		(a < b ? b - a : a - b) < ONE_ACT);
}

/* Whether the registry files both product codes under one upgrade code. */
static bool share_upgrade_code(const struct case_contents *c, struct text x, struct text y)
{
	for (size_t i = 0; i < c->n_traces; i++) {
		const struct trace *t = &c->traces[i].trace;

		if (!trace_is(&c->traces[i], "windows.registry.msi-upgrade") ||
		    !text_equal_folded(trace_text(t, "code"), x))
			continue;
		for (size_t k = 0; k < c->n_traces; k++) {
			const struct trace *u = &c->traces[k].trace;

			if (trace_is(&c->traces[k], "windows.registry.msi-upgrade") &&
			    text_equal_folded(trace_text(u, "code"), y) &&
			    text_equal_folded(trace_text(u, "upgrade_code"),
					      trace_text(t, "upgrade_code")))
				return true;
		}
	}
	return false;
}

/* What the installer's clock showed at an act: within a transaction one doubt moves all alike. */
static int64_t read_at(const struct witness *w)
{
	return trace_is(w->trace, "windows.event.msi") ? trace_instant(&w->trace->trace, "time").ticks :
							 w->when.not_before;
}

/* The installer's record that a version came; a host without the engine is no version of it. */
static bool is_version(const struct building *b, const struct witness *begin)
{
	return begin->assertion == ASSERTS_BEGIN && is_msi_act(begin) &&
	       !(begin->weak && product_is_engine(b->j, begin->product));
}

/* The end and the beginning of one upgrade: one transaction, or one upgrade code. */
static bool is_upgrade(const struct building *b, const struct witness *end,
		       const struct witness *begin)
{
	if (!is_version(b, begin) || !end->whole_act)
		return false;
	if (end->code.size && begin->code.size && text_equal_folded(end->code, begin->code))
		return false; /* the same product again is a removal and an installation */
	if (in_one_transaction(b->j->contents, read_at(end), read_at(begin)))
		return true;
	return end->code.size && begin->code.size &&
	       distance(read_at(end), read_at(begin)) < TICKS_PER_DAY &&
	       share_upgrade_code(b->j->contents, end->code, begin->code);
}

/* Whether another product code of the family, begun before this end, is proved alive after it. */
static bool another_code_lives(const struct building *b, const struct witness *end)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct witness *begin = &b->w[i];
		bool ended = false, alive = false;

		if (!is_version(b, begin) || !begin->code.size ||
		    !end->code.size || text_equal_folded(begin->code, end->code) ||
		    begin->when.not_after > end->when.not_before)
			continue;
		for (size_t k = 0; k < b->n; k++) {
			const struct witness *w = &b->w[k];

			if (!w->code.size || !text_equal_folded(w->code, begin->code))
				continue;
			ended |= w->assertion == ASSERTS_END &&
				 w->when.not_after <= end->when.not_before;
			alive |= (is_positive(w) && bound_has_start(w->when) &&
				  w->when.not_before > end->when.not_after) ||
				 w->at_acquisition ||
				 (w->assertion == ASSERTS_END &&
				  w->when.not_before > end->when.not_after);
		}
		if (!ended && alive)
			return true;
	}
	return false;
}

/* The first record that the product came, after an instant. */
static int64_t next_beginning(const struct building *b, int64_t after)
{
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < b->n; i++)
		if (b->w[i].assertion == ASSERTS_BEGIN && b->w[i].whole_act &&
		    b->w[i].when.not_before > after && b->w[i].when.not_before < first)
			first = b->w[i].when.not_before;
	return first;
}

/*
 * Whether what ended is proved after a failure, though nothing records that it came again: it was there,
 * or it went.
 */
static bool is_back(const struct building *b, const struct witness *end,
		    const struct witness *failure)
{
	const int64_t coming = next_beginning(b, end->when.not_after);

	for (size_t i = 0; i < b->n; i++) {
		const struct witness *w = &b->w[i];
		const bool same = end->code.size && text_equal_folded(w->code, end->code);

		if (coming == INT64_MAX && same && w->at_acquisition)
			return true;
		if (w->weak || !bound_has_start(w->when) || w->when.not_before >= coming)
			continue;
		if (w->assertion == ASSERTS_END && w->when.not_before > failure->when.not_after &&
		    (same || trace_is(w->trace, "ntfs.usn")))
			return true;
		if (is_positive(w) && w->when.not_before > ticks_add(end->when.not_after, ONE_ACT))
			return true;
	}
	return false;
}

/*
 * The record that the next version failed to come, in the same transaction, where the old one was put
 * back; NULL when none is.
 */
static const struct witness *rolled_back_by(const struct building *b, const struct witness *end)
{
	for (size_t i = 0; is_msi_act(end) && i < b->n; i++)
		if (is_failed_installation(&b->w[i]) && read_at(&b->w[i]) >= read_at(end) &&
		    in_one_transaction(b->j->contents, read_at(end), read_at(&b->w[i])))
			return is_back(b, end, &b->w[i]) ? &b->w[i] : NULL;
	return NULL;
}

/* A file that is replaced goes and comes back: positives of no new installation follow. */
static bool was_replaced(const struct building *b, const struct witness *end)
{
	for (size_t i = 0; end->component_only && i < b->n; i++) {
		const struct witness *w = &b->w[i];

		if (!is_positive(w) || !bound_has_start(w->when) ||
		    w->when.not_before <= end->when.not_after)
			continue;
		return w->assertion == ASSERTS_PRESENT &&
		       w->when.not_before - end->when.not_after > TAIL_WITHOUT_BOOT;
	}
	return false;
}

/*
 * A bound that decides nothing alone is no end when proof of presence follows it: what came again
 * would have moved the container's time on.
 */
static bool is_refuted(const struct building *b, const struct witness *end)
{
	const bool bare = end->by_container ||
			  (end->trace && end->trace->trace.recovery == RECOVERY_CARVED);

	for (size_t i = 0; bare && i < b->n; i++)
		if (is_positive(&b->w[i]) && bound_has_start(b->w[i].when) &&
		    b->w[i].when.not_before > ticks_add(end->when.not_after, TAIL_WITHOUT_BOOT))
			return true;
	return false;
}

/* Whether an end tells of the same removal as the installer's: close to it, or of its version. */
static bool is_echo(const struct witness *end, const struct witness *act)
{
	const struct text version = trace_text(&act->trace->trace, "version");
	const int64_t gap = distance(end->when.not_after, act->when.not_after);

	if (gap < ONE_ACT)
		return true;
	return end->trace && version.size && gap < 30 * TICKS_PER_DAY &&
	       text_equal(trace_text(&end->trace->trace, "version"), version);
}

/* Whether an end is the first half of an upgrade, or of one code while another lives. */
static bool ends_one_version(const struct building *b, const struct witness *end)
{
	if (another_code_lives(b, end))
		return true;
	for (size_t k = 0; k < b->n && bound_has_start(end->when); k++)
		if (is_upgrade(b, end, &b->w[k]))
			return true;
	return false;
}

/*
 * The inventory and the journal notice an upgrade that the installer recorded a little later; what comes
 * after an instant is no echo.
 */
static void drop_echoes(struct building *b, const struct witness *act, int64_t until)
{
	for (size_t i = 0; i < b->n && is_msi_act(act); i++)
		if (b->w[i].assertion == ASSERTS_END && !is_msi_act(&b->w[i]) &&
		    b->w[i].when.not_after <= until)
			b->dropped[i] |= is_echo(&b->w[i], act);
}

void drop_false_ends(struct building *b)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct witness *end = &b->w[i], *failure = NULL;

		if (end->assertion != ASSERTS_END)
			continue;
		if (end->weak)
			b->dropped[i] = true;
		else if (was_replaced(b, end) || is_refuted(b, end))
			b->dropped[i] = true;
		else if (ends_one_version(b, end)) {
			b->dropped[i] = true;
			drop_echoes(b, end, INT64_MAX);
		} else if ((failure = rolled_back_by(b, end)) != NULL) {
			b->dropped[i] = true;
			drop_echoes(b, end, failure->when.not_after);
		}
	}
}
