/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine inside another vendor's product has no installer of its own: it came and went with its
 * host. Which versions of a host carried it is not known, so a host's record counts only where a part
 * of the engine itself came or went with it.
 */
#include "analyzer/judge/building.h"
#include "parsers/base/text.h"

/* A record of the host, of which it is not known whether it carried the engine. */
static bool is_of_host(const struct judging *j, const struct witness *w)
{
	return product_is_engine(j, w->product) && w->role == ROLE_REGISTRATION && w->component &&
	       w->weak;
}

/* A part of an engine, and of nothing else that was here, seen to come or to go on this system. */
static bool is_part(const struct judging *j, const struct witness *w)
{
	return product_is_engine(j, w->product) && !w->weak && !w->ambiguous &&
	       !(w->trace && w->trace->trace.recovery == RECOVERY_CARVED) &&
	       w->role != ROLE_REGISTRATION && bound_has_start(w->when) && bound_has_end(w->when) &&
	       w->when.not_after - w->when.not_before < ONE_ACT;
}

static bool came(const struct witness *w)
{
	return w->assertion == ASSERTS_BEGIN || trace_is(w->trace, "windows.event.service-installed");
}

static bool went(const struct witness *w)
{
	return w->assertion == ASSERTS_END ||
	       (w->assertion == ASSERTS_ATTEMPT && trace_is(w->trace, "ntfs.usn"));
}

/* Whether a part came (or, with an end of the host, went) within an hour of the host's record. */
static bool engine_shared_it(const struct judging *j, const struct witness_list *list,
			     const struct witness *host)
{
	const bool end = host->assertion == ASSERTS_END;
	const int64_t at = end ? host->when.not_after : host->when.not_before;

	if (at == BOUND_OPEN_START || at == BOUND_OPEN_END)
		return false;
	for (size_t i = 0; i < list->n; i++) {
		const struct witness *w = &list->items[i];

		if (w->system == host->system && w->product == host->product && is_part(j, w) &&
		    (end ? went(w) : came(w)) && distance(w->when.not_before, at) < ONE_ACT)
			return true;
	}
	return false;
}

/*
 * Whether the host that an end tells of is the one that brought the engine: of the latest records
 * before it that it came or was there. What came with it had gone with it.
 */
static bool brought_it(const struct judging *j, const struct witness_list *list,
		       const struct witness *end)
{
	const struct witness *last = NULL;

	for (size_t i = 0; i < list->n; i++) {
		const struct witness *w = &list->items[i];

		if (w->system != end->system || w->product != end->product ||
		    w->role != ROLE_REGISTRATION || !bound_has_start(w->when) ||
		    w->when.not_before > end->when.not_after)
			continue;
		if (is_positive(w) || (w->assertion == ASSERTS_BEGIN && is_of_host(j, w)))
			last = w; /* the list is in order of time */
	}
	return last && !last->weak;
}

void engines_take_from_hosts(const struct judging *j, struct witness_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct witness *w = &list->items[i];

		/* A driver that was installed shows an engine, whatever is recorded of its host. */
		if (is_part(j, w) && came(w) && w->assertion == ASSERTS_ATTEMPT) {
			w->assertion = ASSERTS_PRESENT;
			witness_name(j->contents, w);
		}
		if (!is_of_host(j, w) || w->assertion == ASSERTS_ATTEMPT ||
		    w->assertion == ASSERTS_RESIDUE || !engine_shared_it(j, list, w))
			continue;
		w->weak = false;
		if (!w->qualified)
			w->qualified = "its time is from a record of the product that carried the engine";
	}
	for (size_t i = 0; i < list->n; i++) {
		struct witness *w = &list->items[i];

		if (!is_of_host(j, w) || w->assertion != ASSERTS_END || !bound_has_end(w->when) ||
		    !brought_it(j, list, w))
			continue;
		w->weak = false;
		w->when.not_before = BOUND_OPEN_START; /* the engine may have gone before */
		w->qualified = "its time is from a record of the product that carried the engine, "
			       "which may have gone before it";
		witness_name(j->contents, w);
	}
}

static bool is_standing_host(const struct judging *j, const struct witness *w)
{
	return product_is_engine(j, w->product) && w->at_acquisition &&
	       w->role == ROLE_REGISTRATION;
}

/* Service names differ from log to registry (one displays them); the driver's file does not. */
static bool sets_up(const struct witness *event, const struct witness *driver)
{
	const struct text file = path_base_name(trace_text(&driver->trace->trace, "image_path"));

	return trace_is(event->trace, "windows.event.service-installed") && file.size &&
	       text_equal_folded(path_base_name(trace_text(&event->trace->trace, "image_path")),
				 file);
}

/* Whether the record that the host of an engine came lies within an hour of the driver's. */
static bool host_came_with(const struct judging *j, const struct witness *witnesses, size_t n,
			   const struct witness *event)
{
	for (size_t i = 0; i < n; i++) {
		const struct witness *w = &witnesses[i];

		if (w->system == event->system && product_is_engine(j, w->product) &&
		    w->role == ROLE_REGISTRATION && w->assertion == ASSERTS_BEGIN &&
		    bound_has_start(w->when) &&
		    distance(w->when.not_before, event->when.not_before) < ONE_ACT)
			return true;
	}
	return false;
}

bool engine_brought(const struct judging *j, const struct witness *witnesses, size_t n,
		    const struct witness *driver, int64_t after)
{
	bool host = false, came = false;

	if (!driver->trace || driver->role != ROLE_LOADS)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct witness *w = &witnesses[i];

		if (w->system != driver->system)
			continue;
		host |= is_standing_host(j, w);
		came |= bound_has_start(w->when) && w->when.not_before > after &&
			sets_up(w, driver) && host_came_with(j, witnesses, n, w);
	}
	return host && came;
}
