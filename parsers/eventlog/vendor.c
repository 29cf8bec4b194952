/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any record of a channel or provider that a signature names: it proves that its writer was alive.
 * Several products may share a log; where the record's text has a line "Application: NAME" (in the
 * language of the product) the record is that program's.
 */
#include "parsers/eventlog/families.h"

enum { VENDOR_TEXT = EVENT_FIELDS, VENDOR_PROGRAM };

const struct trace_type event_record_type = {
	.name = "windows.event.record",
	.message = "{provider} event {event_id} in {channel}: {text}",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[VENDOR_TEXT] = { "text", VALUE_TEXT, 0, 0, "Text" },
		[VENDOR_PROGRAM] = { "program", VALUE_TEXT, ASPECT_PROGRAM, 0, "Program" },
		{ 0 },
	},
};

/* Characters of a text that joins many items; the record itself holds the rest. */
enum { MAX_JOINED = 8192 };

static const char *const program_labels[] = {
	"Application:", "Anwendung:",  "Programm:",  "Programma:",  "Applicazione:",
	"Aplicación:",  "Aplicação:", "Aplikacja:", "Приложение:", "Программа:",
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct text without_blanks(struct text t)
{
	while (t.size && is_blank(t.data[0]))
		t = (struct text){ t.data + 1, t.size - 1 };
	while (t.size && is_blank(t.data[t.size - 1]))
		t.size--;
	return t;
}

/* What stands behind the label at the start of a line; {NULL, 0} for any other line. */
static struct text labelled(struct text line)
{
	for (size_t i = 0; i < sizeof(program_labels) / sizeof(*program_labels); i++) {
		const size_t size = strlen(program_labels[i]);

		if (line.size > size && memcmp(line.data, program_labels[i], size) == 0)
			return without_blanks((struct text){ line.data + size, line.size - size });
	}
	return (struct text){ NULL, 0 };
}

/* The program that a text of "Label: value" lines names. */
static struct text program_of(struct text text)
{
	for (size_t at = 0, end; at < text.size; at = end + 1) {
		for (end = at; end < text.size && text.data[end] != '\n';)
			end++;

		const struct text found = labelled((struct text){ text.data + at, end - at });

		if (found.size)
			return found;
	}
	return (struct text){ NULL, 0 };
}

static struct value program_value(struct text item)
{
	const struct text program = program_of(item);

	return program.size ? value_text(program) : (struct value){ .kind = VALUE_ABSENT };
}

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
		if (values[VENDOR_PROGRAM].kind == VALUE_ABSENT)
			values[VENDOR_PROGRAM] = program_value(item);
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
