/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any record of a channel or provider that a signature names: it proves that its writer was alive.
 */
#include "parsers/eventlog/families.h"

enum { VENDOR_TEXT = EVENT_FIELDS };

const struct trace_type event_record_type = {
	.name = "windows.event.record",
	.message = "{provider} event {event_id} in {channel}: {text}",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[VENDOR_TEXT] = { "text", VALUE_TEXT, 0, 0, "Text" },
		{ 0 },
	},
};

/* Characters of a text that joins many items; the record itself holds the rest. */
enum { MAX_JOINED = 8192 };

static void refine_text(struct arena *arena, const struct event *event, struct value *values)
{
	size_t room = 1, used = 0;
	char *joined;

	for (size_t i = 0; i < event->n_items; i++)
		room += event->items[i].value.size + 3;
	if (event->n_items == 0 || !(joined = arena_alloc(arena, room)))
		return;
	for (size_t i = 0; i < event->n_items; i++) {
		const struct text item = event->items[i].value;

		if (event_text_is_absent(item))
			continue;
		if (used) {
			memcpy(joined + used, " | ", 3);
			used += 3;
		}
		memcpy(joined + used, item.data, item.size);
		used += item.size;
	}
	if (used > MAX_JOINED) {
		used = MAX_JOINED;
		while (used && ((unsigned char)joined[used] & 0xc0) == 0x80)
			used--; /* not inside a character */
	}
	if (used)
		values[VENDOR_TEXT] = value_text((struct text){ joined, used });
}

const struct event_rule vendor_rule = {
	.provider = "",
	.last_id = UINT32_MAX,
	.type = &event_record_type,
	.refine = refine_text,
};
