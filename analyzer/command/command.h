/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AVOUCH_ANALYZER_COMMAND_COMMAND_H
#define AVOUCH_ANALYZER_COMMAND_COMMAND_H

#include <stdio.h>

#include "analyzer/judge/judge.h"

/* Exit statuses for scripts (those of a verdict are in judge.h). */
enum { EXIT_USAGE = 64, EXIT_UNREADABLE = 65, EXIT_FAULT = 70 };

/* One file per command exports one of these; main.c lists them. */
struct command {
	const char *name;
	const char *summary; /* one line for --help */
	const char *usage;   /* the whole help of the command */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; gives the exit status */
};

extern const struct command analyze_command, judge_command, report_command, timeline_command,
	products_command, mandates_command, sources_command, cite_command, verify_command,
	explain_command, batch_command, fleet_command;

/* Says on standard error what is wrong with the call and where help is. Returns EXIT_USAGE. */
int usage_error(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "avouch: message" on standard error. Returns the exit status given. */
int fail(int exit_status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* -- what commands that judge share --------------------------------------------------------- */

enum { MANDATES_MAX = 64, ATTRIBUTES_MAX = 64 };

/* Options as given; arrays of pointers into argv. */
struct judging_options {
	const char *mandates[MANDATES_MAX]; /* ids or files */
	size_t n_mandates;
	const char *deadlines[MANDATES_MAX]; /* ID[.MILESTONE]=DATE|TIME */
	size_t n_deadlines;
	struct attribute attributes[ATTRIBUTES_MAX];
	size_t n_attributes;
	const char *signatures; /* folder; NULL: the installed one */
	const char *json, *html; /* files to write those reports to; "-" is standard output */
	bool quiet;              /* no text report */
};

/*
 * Takes one option as getopt_long gave it; false when it is none of these. The long options and
 * the help text for them stand beside it.
 */
bool judging_option(struct judging_options *options, int option, char *argument);
#define JUDGING_LONG_OPTIONS                                                                       \
	{ "mandate", required_argument, NULL, 'm' }, { "deadline", required_argument, NULL, 1001 },\
	{ "attribute", required_argument, NULL, 1002 },                                            \
	{ "signatures", required_argument, NULL, 1003 }, { "json", required_argument, NULL, 1004 },\
	{ "html", required_argument, NULL, 1005 }, { "quiet", no_argument, NULL, 'q' },            \
	{ "help", no_argument, NULL, 'h' }
#define JUDGING_HELP                                                                               \
	"  -m, --mandate ID|FILE    judge against this mandate (repeatable; without it: those\n"   \
	"                           marked default, for information, exit status 0)\n"             \
	"      --deadline ID[.MILESTONE]=DATE|TIME\n"                                              \
	"                           the organisation's own last day under a mandate\n"             \
	"      --attribute KEY=VALUE  what is known of the machine (country=GB,\n"                 \
	"                           sector=federal-civilian, classification=secret)\n"             \
	"      --signatures FOLDER  use these signatures and mandates\n"                           \
	"      --json FILE          write the JSON report too ('-' is standard output)\n"          \
	"      --html FILE          write the HTML report too ('-' is standard output)\n"          \
	"  -q, --quiet              no text report on standard output\n"

struct mandate_set;

/* Signatures and mandates loaded and compiled, for the life of a command. */
struct knowledge {
	struct signature_set *signatures;
	struct matcher *matcher;
	struct mandate_set *shipped;
	struct mandate_set *own[MANDATES_MAX]; /* from files of the user's */
	size_t n_own;
};

/* Loads what the options name. Says what is wrong itself; returns 0 or an exit status. */
int knowledge_load(struct knowledge *knowledge, const struct judging_options *options);
void knowledge_clear(struct knowledge *knowledge);

/* Room for the contents of a case and its judgement, bytes. */
#define CASE_ARENA ((size_t)4 << 30)

/*
 * Judges the case by its contents (as case_load() gave them, in the arena, which takes the
 * judgement, too), adds the judgement to it and writes the reports that were asked for. Returns
 * the exit status of the verdicts, or EXIT_FAULT.
 */
int judge_and_report(struct case_file *file, struct arena *arena,
		     const struct case_contents *contents, struct knowledge *knowledge,
		     const struct judging_options *options);

/* The folder of signatures: the option, $AVOUCH_SIGNATURES, the installed one, the source tree's. */
const char *signatures_folder(const char *option);

#endif
