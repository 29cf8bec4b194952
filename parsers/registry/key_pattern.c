/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/registry/hive_state.h"

#include "parsers/base/text.h"

/* The next component of a path at *pos, which moves behind its separator. */
static struct text next_component(struct text path, size_t *pos)
{
	const size_t start = *pos;
	const char *end = memchr(path.data + start, '\\', path.size - start);
	const size_t size = end ? (size_t)(end - path.data) - start : path.size - start;

	*pos = start + size + (end ? 1 : 0);
	return (struct text){ path.data + start, size };
}

struct key_pattern key_pattern_cut(struct arena *arena, const char *pattern)
{
	const struct text text = text_of(pattern);
	struct key_pattern ret = { 0 };
	size_t n = 0;

	for (size_t pos = 0; pos < text.size; n++)
		(void)next_component(text, &pos);
	ret.components = arena_array(arena, n + 1, sizeof(*ret.components));
	if (!ret.components)
		return ret;
	for (size_t pos = 0; pos < text.size;)
		ret.components[ret.n_components++] = next_component(text, &pos);
	if (n > 0 && text_equal(ret.components[n - 1], TEXT("**"))) {
		ret.everything_below = true;
		ret.n_components--;
	}
	return ret;
}

bool key_pattern_fits(struct text component, struct text name)
{
	size_t c = 0, n = 0, star = SIZE_MAX, star_name = 0;

	/* On a mismatch the last '*' swallows one more character: no deeper search is needed. */
	while (n < name.size) {
		size_t next_c = c, next_n = n;
		const uint32_t wanted = c < component.size ? text_next(component, &next_c) : 0;
		const uint32_t found = text_next(name, &next_n);

		if (c < component.size && wanted == '*') {
			star = c = next_c;
			star_name = n;
		} else if (c < component.size &&
			   (wanted == '?' || text_fold_char(wanted) == text_fold_char(found))) {
			c = next_c;
			n = next_n;
		} else if (star != SIZE_MAX) {
			(void)text_next(name, &star_name);
			n = star_name;
			c = star;
		} else {
			return false;
		}
	}
	while (c < component.size && component.data[c] == '*')
		c++;
	return c == component.size;
}

bool key_pattern_fits_at(const struct key_pattern *pattern, size_t component, struct text name)
{
	return pattern->exact ? text_equal_folded(pattern->components[component], name)
			      : key_pattern_fits(pattern->components[component], name);
}

bool key_pattern_fits_path(const struct key_pattern *pattern, struct text path)
{
	size_t pos = 0;

	for (size_t i = 0; i < pattern->n_components; i++) {
		if (pos >= path.size)
			return false;
		if (!key_pattern_fits_at(pattern, i, next_component(path, &pos)))
			return false;
	}
	return pattern->everything_below ? pos < path.size : pos >= path.size;
}
