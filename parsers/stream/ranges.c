/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/stream/ranges.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_UNREADABLE_RANGES = 65536 };

static uint64_t range_end(struct byte_range r)
{
	return r.size > UINT64_MAX - r.offset ? UINT64_MAX : r.offset + r.size;
}

/* Index of the first item that ends at or behind offset (so it may touch it). */
static size_t first_touching(const struct range_list *list, uint64_t offset)
{
	size_t low = 0, high = list->n_items;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (range_end(list->items[middle]) < offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool make_room(struct range_list *list)
{
	if (list->n_items < list->room)
		return true;
	if (list->n_items >= LIMIT_UNREADABLE_RANGES)
		return false;

	const size_t room = list->room ? list->room * 2 : 16;
	struct byte_range *items = realloc(list->items, room * sizeof(*items));

	if (!items)
		return false;
	list->items = items;
	list->room = room;
	return true;
}

/* Makes item i cover [start, end) too, and swallows the following items it now touches. */
static void widen(struct range_list *list, size_t i, uint64_t start, uint64_t end)
{
	struct byte_range *item = &list->items[i];
	size_t n_swallowed = 0;

	if (range_end(*item) > end)
		end = range_end(*item);
	if (item->offset < start)
		start = item->offset;
	while (i + 1 + n_swallowed < list->n_items && item[1 + n_swallowed].offset <= end) {
		if (range_end(item[1 + n_swallowed]) > end)
			end = range_end(item[1 + n_swallowed]);
		n_swallowed++;
	}
	*item = (struct byte_range){ start, end - start };
	memmove(item + 1, item + 1 + n_swallowed,
		(list->n_items - i - 1 - n_swallowed) * sizeof(*item));
	list->n_items -= n_swallowed;
}

bool ranges_add(struct range_list *list, uint64_t offset, uint64_t size)
{
	const uint64_t end = range_end((struct byte_range){ offset, size });
	const size_t i = first_touching(list, offset);

	if (size == 0)
		return true;
	if (i < list->n_items && list->items[i].offset <= end) {
		widen(list, i, offset, end);
		return true;
	}
	if (!make_room(list)) {
		if (list->n_items == 0)
			return false;
		widen(list, i < list->n_items ? i : i - 1, offset, end);
		return true;
	}
	memmove(list->items + i + 1, list->items + i, (list->n_items - i) * sizeof(*list->items));
	list->items[i] = (struct byte_range){ offset, end - offset };
	list->n_items++;
	return true;
}

const struct byte_range *ranges_find(const struct range_list *list, uint64_t offset, uint64_t size)
{
	if (size == 0 || offset == UINT64_MAX)
		return NULL;

	const size_t i = first_touching(list, offset + 1);

	if (i < list->n_items &&
	    list->items[i].offset < range_end((struct byte_range){ offset, size }))
		return &list->items[i];
	return NULL;
}

enum status ranges_refuse(const struct range_list *unreadable, uint64_t offset, uint64_t size,
			  struct failure *why)
{
	const struct byte_range *bad = ranges_find(unreadable, offset, size);

	if (!bad)
		return STATUS_OK;
	return failure_at(why, ERR_UNREADABLE, bad->offset > offset ? bad->offset : offset,
			  "the image holds no sound data at %" PRIu64 " to %" PRIu64, bad->offset,
			  bad->offset + bad->size);
}

void ranges_release(struct range_list *list)
{
	free(list->items);
	*list = (struct range_list){ 0 };
}
