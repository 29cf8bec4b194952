/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of System Restore, channel Application, Windows Vista to 11: 8194 a restore point was made,
 * 8195 was not made (process and command line, description). Windows Installer has one made before it
 * begins and describes it as "Installed NAME" or "Removed NAME"; other languages' words are not known.
 */
#include "parsers/base/text.h"
#include "parsers/eventlog/families.h"

enum { RESTORE_PROCESS = EVENT_FIELDS, RESTORE_TEXT, RESTORE_PROGRAM };

const struct trace_type event_restore_point_type = {
	.name = "windows.event.restore-point",
	.message = "System Restore event {event_id}: {text}[ ({process})]",
	.fields = (const struct trace_field[]){
		EVENT_COMMON_FIELDS,
		[RESTORE_PROCESS] = { "process", VALUE_TEXT, 0, 0, "Process" },
		[RESTORE_TEXT] = { "text", VALUE_TEXT, 0, 0, "Description" },
		[RESTORE_PROGRAM] = { "program", VALUE_TEXT, ASPECT_PROGRAM, 0, "Program" },
		{ 0 },
	},
};

static const struct field_source sources[] = {
	{ RESTORE_PROCESS, 1, "param1", TAKE_TEXT },
	{ RESTORE_TEXT, 2, "param2", TAKE_TEXT },
	{ 0 },
};

/* What is about to be installed or removed. */
static void refine_program(struct arena *arena, const struct event *event, struct value *values)
{
	static const char *const acts[] = { "Installed ", "Removed " };
	const struct text text = values[RESTORE_TEXT].text;

	(void)arena;
	(void)event;
	for (size_t i = 0; values[RESTORE_TEXT].kind == VALUE_TEXT && i < 2; i++) {
		const size_t size = strlen(acts[i]);

		if (text.size > size &&
		    text_equal_folded((struct text){ text.data, size }, text_of(acts[i])))
			values[RESTORE_PROGRAM] = value_text(
				(struct text){ text.data + size, text.size - size });
	}
}

const struct event_rule restore_rules[] = {
	{ "System Restore", NULL, 8194, 8195, &event_restore_point_type, sources,
	  refine_program },
	{ 0 },
};
