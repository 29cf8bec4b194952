/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_PARSERS_STREAM_RANGES_H
#define AVOUCH_PARSERS_STREAM_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/failure.h"

/* A range of bytes of a stream. */
struct byte_range {
	uint64_t offset, size;
};

/* Ranges in ascending order that neither overlap nor touch. All zero bits = empty. */
struct range_list {
	struct byte_range *items;
	size_t n_items, room;
};

/*
 * Adds a range, merged with those it overlaps or touches. When there is no memory, or more than
 * LIMIT_UNREADABLE_RANGES, the nearest range is widened over the gap instead: more is then called
 * unreadable than is, never less. False only when not even the first range could be kept.
 */
bool ranges_add(struct range_list *list, uint64_t offset, uint64_t size);

/* The first range that shares a byte with [offset, offset + size); NULL when none does. */
const struct byte_range *ranges_find(const struct range_list *list, uint64_t offset,
				     uint64_t size);

/* ERR_UNREADABLE, at its first byte in there, when an unreadable range of an image is in the way. */
MUST_USE enum status ranges_refuse(const struct range_list *unreadable, uint64_t offset,
				   uint64_t size, struct failure *why);

void ranges_release(struct range_list *list);

#endif
