/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/building.h"
#include "analyzer/judge/weighing.h"

/* The next letter of a name, in lower case; 0 at its end. Digits and marks tell versions apart. */
static char next_letter(struct text name, size_t *at)
{
	while (*at < name.size) {
		const char c = name.data[(*at)++];

		if (c >= 'A' && c <= 'Z')
			return (char)(c - 'A' + 'a');
		if ((c >= 'a' && c <= 'z') || c & 0x80)
			return c;
	}
	return 0;
}

static bool is_same_name(struct text a, struct text b)
{
	size_t at_a = 0, at_b = 0;
	char letter;

	do {
		letter = next_letter(a, &at_a);
		if (letter != next_letter(b, &at_b))
			return false;
	} while (letter);
	return true;
}

/* An act of Windows Installer on the product that is judged, by the name it gives. */
static bool is_named_act(const struct weighing *w, const struct witness *x)
{
	return x->system == w->h->system && x->product == w->h->product && !x->weak &&
	       is_msi_act(x) && trace_text(&x->trace->trace, "product").size;
}

/* Whether earlier acts name what was there, and none names it as this one does. */
static bool is_new_name(const struct weighing *w, const struct witness *begin)
{
	const struct text name = trace_text(&begin->trace->trace, "product");
	bool known = false;

	for (size_t i = 0; i < w->all->n_witnesses; i++) {
		const struct witness *x = &w->all->witnesses[i];
		const int64_t until = x->assertion == ASSERTS_BEGIN
					      ? ticks_add(begin->when.not_before, -ONE_ACT)
					      : begin->when.not_before;

		if (!is_named_act(w, x) || x->when.not_after > until)
			continue;
		if (is_same_name(trace_text(&x->trace->trace, "product"), name))
			return false;
		known = true;
	}
	return known;
}

bool came_over_it(struct weighing *w)
{
	char at[INSTANT_TEXT_SIZE];
	bool another = false;

	for (size_t i = 0; i < w->all->n_witnesses; i++) {
		const struct witness *x = &w->all->witnesses[i];

		if (x->assertion != ASSERTS_BEGIN || x->system != w->h->system ||
		    x->product != w->h->product || x->weak || !is_msi_act(x) ||
		    !bound_is_from(x->when, w->deadline))
			continue;
		const bool is_another = is_named_act(w, x) && is_new_name(w, x);

		cite(w, i);
		say(&w->reasons,
		    "%s was installed over it at %s, after the limit: whether the act bars that is "
		    "not for the evidence to say",
		    is_another ? "a product of another name" : "a version",
		    ticks_format(x->when.not_before, at));
		another |= is_another;
	}
	return another;
}
