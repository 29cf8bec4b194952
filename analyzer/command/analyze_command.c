/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <signal.h>
#include <sys/stat.h>

#include "analyzer/collect/collect.h"
#include "analyzer/command/citation.h"
#include "analyzer/command/command.h"
#include "analyzer/command/secrets.h"
#include "parsers/base/text.h"

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	interrupted = number;
}

struct analyze_options {
	struct judging_options judging;
	struct collect_options collect;
	struct collect_evidence evidence[EVIDENCE_MAX];
	struct given_secrets secrets;
	const char *case_path;
	bool force;
};

/* -- what signatures want, for the readers -------------------------------------------------- */

static bool want_path(void *payload, struct text path)
{
	return matcher_wants_path(payload, path);
}

static bool want_key(void *payload, struct text key)
{
	return matcher_wants_key(payload, key);
}

static bool want_log(void *payload, struct text channel, struct text provider)
{
	return matcher_wants_log(payload, channel, provider);
}

/* -- options -------------------------------------------------------------------------------- */

static bool take_number(const char *text, unsigned long most, unsigned long *ret)
{
	char *end = NULL;

	*ret = strtoul(text, &end, 10);
	return end != text && *end == '\0' && *ret <= most;
}

/* What an option takes, for one who gave something else. */
static const char *form_of(int option)
{
	switch (option) {
	case 'j':
		return "a number of readers, 1 to 256";
	case 2001:
		return "a time as 2018-02-09T10:00:00Z";
	case 2002:
		return "all, or numbers of partitions as 1,3..5";
	case 2003:
		return "all, none, or numbers of shadow copies as 1,3..5 (vshadowinfo lists them)";
	case 2008:
		return "a number of MiB";
	case 2009:
		return "a number of seconds, up to 86400";
	case 3001:
		return "a readable file with the secret on its first line";
	case 3002:
		return "a BitLocker startup key, a file named *.BEK";
	default:
		return NULL;
	}
}

static bool take_option(struct analyze_options *o, int option, char *argument)
{
	unsigned long number;

	switch (option) {
	case 'o':
		o->case_path = argument;
		return true;
	case 'f':
		o->force = true;
		return true;
	case 'j':
		if (!take_number(argument, 256, &number) || number == 0)
			return false;
		o->collect.jobs = (unsigned)number;
		return true;
	case 2001:
		o->collect.acquired_at = instant_parse(text_of(argument));
		return instant_is_set(o->collect.acquired_at);
	case 2002:
		o->collect.partitions = argument;
		return collect_choice_is_valid(argument, false);
	case 2003:
		o->collect.vss_stores = argument;
		return collect_choice_is_valid(argument, true);
	case 2004:
		o->collect.verify_image = true;
		return true;
	case 2006:
		o->collect.carve = true;
		return true;
	case 2005: /* nothing is ever asked */
		return true;
	case 2008:
		if (!take_number(argument, UINT32_MAX, &number))
			return false;
		o->collect.memory = (uint64_t)number << 20;
		return true;
	case 2009:
		if (!take_number(argument, 86400, &number))
			return false;
		o->collect.source_timeout_s = (unsigned)number;
		return true;
	default:
		return secret_option(&o->secrets, option, argument) ||
		       judging_option(&o->judging, option, argument);
	}
}

/* -- running -------------------------------------------------------------------------------- */

static void show_progress(void *payload, const char *line)
{
	(void)payload;
	fprintf(stderr, "\r\033[K%.*s", 100, line);
}

static const char *default_case(const char *evidence)
{
	static char path[512];
	const char *slash = strrchr(evidence, '/');

	(void)snprintf(path, sizeof(path), "%s.avouch", slash ? slash + 1 : evidence);
	return path;
}

static bool anything_read(const struct case_contents *contents)
{
	for (size_t i = 0; i < contents->n_volumes; i++)
		if (contents->volumes[i].reading == READING_READ ||
		    contents->volumes[i].reading == READING_PARTLY ||
		    contents->volumes[i].reading == READING_ENCRYPTED)
			return contents->n_evidence > 0;
	return false;
}

/* What was lost; when nothing could be read, every problem. */
static void tell_problems(const struct case_contents *contents, bool all)
{
	for (size_t i = 0; i < contents->n_problems && i < 50; i++)
		if (all || contents->problems[i].lost)
			fprintf(stderr, "avouch: %s: %s\n", contents->problems[i].where,
				contents->problems[i].what);
}

/* A case that is there may be an unfinished one to resume: the collector decides. */
static enum status open_or_create(const struct analyze_options *o, struct case_file **ret,
				  struct failure *why)
{
	const enum status removed = o->force ? case_remove(o->case_path, why) : STATUS_OK;

	if (removed < 0)
		return removed;
	if (access(o->case_path, F_OK) == 0)
		return case_open(o->case_path, true, ret, why);
	return case_create(o->case_path, ret, why);
}

static int collect_and_judge(struct analyze_options *o, struct knowledge *knowledge)
{
	const struct wanted wanted = { want_path, want_key, want_log, knowledge->matcher };
	CLEANUP(collector_free_p) struct collector *collector = NULL;
	CLEANUP(case_close_p) struct case_file *file = NULL;
	CLEANUP(arena_free_p) struct arena *arena = arena_new(CASE_ARENA);
	struct case_contents contents = { .n_evidence = 0 };
	struct failure why = FAILURE_NONE;
	const bool terminal = isatty(STDERR_FILENO) == 1;
	char tool[128];

	o->collect.progress = terminal ? show_progress : NULL;
	o->collect.cancelled = &interrupted;
	o->collect.secrets = secrets_given(&o->secrets);
	(void)snprintf(tool, sizeof(tool), "%s %s", AVOUCH_VERSION,
		       knowledge->signatures->sha256); /* both are short */
	o->collect.tool = tool;
	if (collector_new(&o->collect, &wanted, &collector, &why) < 0)
		return fail(EXIT_FAULT, "%s", why.text);
	if (open_or_create(o, &file, &why) < 0)
		return fail(EXIT_USAGE, "%s", why.text);

	const enum status status = collect_run(collector, file, &why);

	if (terminal)
		fputs("\r\033[K", stderr);
	if (status == ERR_UNSUPPORTED)
		return fail(EXIT_USAGE, "'%s': %s", o->case_path, why.text);

	struct failure reading = FAILURE_NONE;
	const bool loaded = arena &&
			    case_set_fact(file, "collection.wanted",
					  knowledge->signatures->wanted_sha256, &reading) >= 0 &&
			    case_load(file, arena, &contents, &reading) >= 0;

	tell_problems(&contents, !anything_read(&contents));
	if (status == ERR_CANCELLED)
		return fail(EXIT_FAULT, "interrupted; what was finished stands in '%s'",
			    o->case_path);
	if (status < 0)
		return fail(EXIT_FAULT, "%s", why.text);
	if (!loaded)
		return fail(EXIT_FAULT, "the case cannot be read again: %s", reading.text);
	if (!anything_read(&contents))
		return fail(EXIT_UNREADABLE, "nothing of the evidence could be read");
	return judge_and_report(file, arena, &contents, knowledge, &o->judging);
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = {
		JUDGING_LONG_OPTIONS,
		{ "case", required_argument, NULL, 'o' },
		{ "force", no_argument, NULL, 'f' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "acquired-at", required_argument, NULL, 2001 },
		{ "partitions", required_argument, NULL, 2002 },
		{ "vss-stores", required_argument, NULL, 2003 },
		{ "vss_stores", required_argument, NULL, 2003 },
		{ "verify-image", no_argument, NULL, 2004 },
		{ "unattended", no_argument, NULL, 2005 },
		{ "carve", no_argument, NULL, 2006 },
		SECRET_LONG_OPTIONS,
		{ "memory", required_argument, NULL, 2008 },
		{ "source-timeout", required_argument, NULL, 2009 },
		{ NULL, 0, NULL, 0 },
	};
	struct analyze_options options = { .force = false };
	struct knowledge knowledge = { .n_own = 0 };

	secrets_from_environment(&options.secrets);
	for (int o; (o = getopt_long(argc, argv, "m:o:fj:qh", longs, NULL)) != -1;) {
		if (o == 'h') {
			fputs(analyze_command.usage, stdout);
			return 0;
		}
		if (o == '?')
			return usage_error("analyze", "option not understood");
		if (optarg && optarg == argv[optind - 1] && optarg[0] == '-' && optarg[1])
			return usage_error("analyze",
					   "'%s' stands where %s takes its value; a value that "
					   "begins with '-' is written OPTION=VALUE",
					   optarg, argv[optind - 2]);
		if (!take_option(&options, o, optarg))
			return usage_error("analyze", "'%s' is not what the option takes%s%s",
					   optarg ? optarg : "", form_of(o) ? ": " : "",
					   form_of(o) ? form_of(o) : "");
	}
	if (optind == argc)
		return usage_error("analyze", "no evidence named");
	options.collect.evidence = options.evidence;
	options.collect.n_evidence = evidence_group(argv + optind, (size_t)(argc - optind),
						    options.evidence, EVIDENCE_MAX);
	if (!options.collect.n_evidence)
		return usage_error("analyze", "more than %d images", EVIDENCE_MAX);
	if (!options.case_path)
		options.case_path = default_case(argv[optind]);

	struct sigaction action = { .sa_handler = on_interrupt };
	int status = knowledge_load(&knowledge, &options.judging);

	if (status == 0 && (sigaction(SIGINT, &action, NULL) != 0 ||
			    sigaction(SIGTERM, &action, NULL) != 0))
		status = fail(EXIT_FAULT, "cannot watch for interrupts");
	if (status == 0)
		status = collect_and_judge(&options, &knowledge);
	knowledge_clear(&knowledge);
	return status;
}

const struct command analyze_command = {
	.name = "analyze",
	.summary = "collect, judge and report one computer's evidence",
	.usage =
		"Usage: avouch analyze [options] EVIDENCE...\n"
		"Reads the image or images of one computer (raw, split raw, E01 and its segments),\n"
		"writes a case, judges it and prints the report.\n\n"
		JUDGING_HELP
		"  -o, --case FILE          case to write (default: here, EVIDENCE's name + .avouch)\n"
		"  -f, --force              replace an existing case\n"
		"  -j, --jobs N             readers side by side (default: one per processor)\n"
		"      --acquired-at TIME   when the evidence was acquired (RFC 3339)\n"
		"      --partitions LIST    all, or numbers as 1,3..5\n"
		"      --vss-stores LIST    shadow copies: all, none, or numbers as 1,3..5\n"
		"      --verify-image       compute the digests of the medium and compare\n"
		"      --carve              look through free clusters too, for cleared event logs and\n"
		"                           dropped journal records: takes reading all of them\n"
		SECRET_HELP
		"      --unattended         never ask\n"
		"      --memory MIB         for all readers together (default: half of the machine's)\n"
		"      --source-timeout S   wall clock one source may take (default 300)\n",
	.run = run,
};
