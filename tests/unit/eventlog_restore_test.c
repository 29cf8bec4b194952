/* SPDX-License-Identifier: Apache-2.0 */
/* Events of System Restore name the program that was about to come or go. */
#include "file_support.h"
#include "parsers/eventlog/event.h"

static void see(struct heard *heard, const struct trace *trace)
{
	const struct text program = trace_text(trace, "program");

	if (strcmp(trace->type->name, "windows.event.restore-point") == 0)
		(void)snprintf(heard->payload, 64, "%.*s", (int)program.size,
			       program.data ? program.data : "");
}

static void check(const char *description, const char *program)
{
	struct event event = { .id = 8194,
			       .provider = text_of("System Restore"),
			       .channel = text_of("Application"),
			       .items = { { .value = text_of("C:\\Windows\\system32\\msiexec.exe /V") },
					  { .value = text_of(description) } },
			       .n_items = 2 };
	char seen[64] = "";
	struct heard heard;

	heard_init(&heard);
	heard.look = see;
	heard.payload = seen;
	assert_int_equal(event_emit(&heard.ctx, heard.ctx.arena, &event, &heard.why), STATUS_OK);
	assert_string_equal(seen, program);
	heard_clear(&heard);
}

static void a_restore_point_names_the_program(void **state)
{
	(void)state;
	check("Installed Guard Suite", "Guard Suite");
	check("Removed Guard Suite 2.1", "Guard Suite 2.1");
	check("Windows Update", "");
	check("Installed ", "");
	check("", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_restore_point_names_the_program) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
