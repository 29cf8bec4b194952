/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/report/document_parts.h"

enum { STAYS_MAX = 256 };
/* What an update or a restart takes is no stretch without protection. */
static const int64_t shortest_stretch = TICKS_PER_HOUR;

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
				 through, "from", json_of_ticks(e->installed.not_after));
	}
	return json_null();
}

/* The stays of protecting products on a system, in order of time. */
static size_t stays_on(const struct writing *w, size_t system, struct stay stays[STAYS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < w->j->n_histories; i++) {
		const struct product_history *h = &w->j->histories[i];
		const struct product *p = &w->s->products[h->product];

		for (size_t k = 0; k < h->n_episodes && n < STAYS_MAX; k++)
			if (h->system == system && p->kind == KIND_PROTECTION &&
			    (h->proved || h->tentative))
				stays[n++] = (struct stay){ p, &h->episodes[k] };
	}
	if (n)
		qsort(stays, n, sizeof(*stays), by_start);
	return n;
}

static json_t *json_of_bound(struct bound b)
{
	return json_pack("{s:o,s:o}", "not_before", json_of_ticks(b.not_before), "not_after",
			 json_of_ticks(b.not_after));
}

json_t *document_protection(const struct writing *w, size_t system)
{
	struct stay stays[STAYS_MAX];
	json_t *array = json_array();
	const size_t n = stays_on(w, system, stays);

	for (size_t i = 0; i < n; i++) {
		const struct episode *e = stays[i].episode;

		json_array_append_new(
			array, json_pack("{s:s,s:o,s:o,s:o}", "product", stays[i].product->id,
					 "installed", json_of_bound(e->installed), "removed",
					 e->removed ? json_of_bound(e->removal) : json_null(),
					 "followed_by", follower(stays, n, i)));
	}
	return array;
}

/* From the last proof of one product to the first proof of the next: neither proved in between. */
json_t *document_unprotected(const struct writing *w, size_t system)
{
	const struct system *s = &w->j->systems[system];
	struct stay stays[STAYS_MAX];
	json_t *array = json_array();
	const size_t n = stays_on(w, system, stays);
	int64_t proved = s->installed_at; /* up to here protection is proved, or there was no system */

	for (size_t i = 0; i < n; i++) {
		const struct episode *e = stays[i].episode;
		const int64_t end = e->removed ? e->removal.not_before : BOUND_OPEN_END;

		if (e->installed.not_after != BOUND_OPEN_END && proved &&
		    e->installed.not_after > ticks_add(proved, shortest_stretch))
			json_array_append_new(array,
					      json_pack("{s:o,s:o}", "from", json_of_ticks(proved),
							"to", json_of_ticks(e->installed.not_after)));
		if (end != BOUND_OPEN_START && end > proved)
			proved = end;
		if (proved == BOUND_OPEN_END)
			return array;
	}
	if (n && proved && s->last_activity > ticks_add(proved, shortest_stretch))
		json_array_append_new(array, json_pack("{s:o,s:n}", "from", json_of_ticks(proved),
						       "to"));
	return array;
}
