/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/judge/bound.h"

int64_t ticks_add(int64_t ticks, int64_t delta)
{
	int64_t sum;

	if (!__builtin_add_overflow(ticks, delta, &sum))
		return sum;
	return delta < 0 ? INT64_MIN + 1 : INT64_MAX - 1;
}

bool bound_both(struct bound a, struct bound b, struct bound *ret)
{
	const int64_t start = a.not_before > b.not_before ? a.not_before : b.not_before;
	const int64_t end = a.not_after < b.not_after ? a.not_after : b.not_after;

	if (start > end)
		return false;
	*ret = (struct bound){ start, end };
	return true;
}

struct bound bound_widen(struct bound b, int64_t least, int64_t most)
{
	if (bound_has_start(b))
		b.not_before = ticks_add(b.not_before, least);
	if (bound_has_end(b))
		b.not_after = ticks_add(b.not_after, most);
	return b;
}

bool bound_is_before(struct bound b, int64_t instant)
{
	return bound_has_end(b) && b.not_after < instant;
}

bool bound_is_from(struct bound b, int64_t instant)
{
	return bound_has_start(b) && b.not_before >= instant;
}
