/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyzer/command/citation.h"
#include "analyzer/command/command.h"

enum { IMAGES_MAX = 100000, ARGUMENTS_MAX = 512, PATH_ROOM = 4096, JOBS_MAX = 64 };

/* One line of the manifest; texts point into line. */
struct image_job {
	char *line;
	const char *id;
	char *paths, *attributes; /* '|' separated */
	pid_t pid;
	int exit_status;
};

struct batch {
	struct image_job *images;
	size_t n;
	const char *folder;
	const char *mandates[MANDATES_MAX];
	size_t n_mandates;
	unsigned long jobs;
};

static void batch_clear(struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++)
		free(batch->images[i].line);
	free(batch->images);
}

/* An id names files, so it is letters, digits, '.', '_' and '-', not first a '.' or '-'. */
static bool is_id(const char *id)
{
	for (const char *p = id; *p; p++)
		if (!isalnum((unsigned char)*p) && (p == id || !strchr("._-", *p)) && *p != '_')
			return false;
	return *id && strlen(id) < 200;
}

/* The next field of a line; quotes around it are taken off. */
static char *take_field(char **rest)
{
	char *field = *rest;
	const bool quoted = *field == '"';
	char *end = quoted ? strchr(field + 1, '"') : field + strcspn(field, ",");

	if (quoted && !end)
		end = field + strlen(field);
	*rest = end + strcspn(end, ",");
	*rest += **rest == ',';
	*end = '\0';
	return field + quoted;
}

static bool take_line(struct batch *batch, char *line)
{
	struct image_job *image = &batch->images[batch->n];
	char *rest = line;

	line[strcspn(line, "\r\n")] = '\0';
	*image = (struct image_job){ .line = line, .exit_status = EXIT_FAULT };
	batch->n++;
	image->id = take_field(&rest);
	image->paths = take_field(&rest);
	image->attributes = take_field(&rest);
	for (size_t i = 0; i + 1 < batch->n; i++)
		if (strcmp(batch->images[i].id, image->id) == 0)
			return false;
	return is_id(image->id) && *image->paths;
}

static int read_manifest(struct batch *batch, const char *path)
{
	FILE *in = fopen(path, "re");
	int status = in ? 0 : fail(EXIT_UNREADABLE, "'%s': %s", path, strerror(errno));

	for (size_t number = 1; status == 0; number++) {
		char *line = NULL;
		size_t room = 0;

		if (getline(&line, &room, in) < 0) {
			free(line);
			break;
		}

		struct image_job *more = realloc(batch->images, (batch->n + 1) * sizeof(*more));

		if (more)
			batch->images = more;
		if (!more || *line == '\n' || *line == '#' || strncmp(line, "id,", 3) == 0)
			free(line);
		else if (!take_line(batch, line) || batch->n > IMAGES_MAX)
			status = fail(EXIT_USAGE, "'%s' line %zu: no usable id (letters, digits, "
				      ". _ -, used once) or no paths", path, number);
		if (!more)
			status = fail(EXIT_FAULT, "no memory");
	}
	if (in)
		(void)fclose(in); /* only read from */
	return status;
}

/* In the child: becomes "avouch analyze" of the image, its output in a file of its own. */
_Noreturn static void become_analyze(const struct batch *batch, struct image_job *image)
{
	static char case_path[PATH_ROOM], log[PATH_ROOM];
	static const char *arguments[ARGUMENTS_MAX + 8] = { "avouch", "analyze", "--force", "-o" };
	size_t n = 4;

	(void)snprintf(case_path, sizeof(case_path), "%s/%s.avouch", batch->folder, image->id);
	(void)snprintf(log, sizeof(log), "%s/%s.log", batch->folder, image->id);
	arguments[n++] = case_path;
	for (size_t i = 0; i < batch->n_mandates; i++) {
		arguments[n++] = "-m";
		arguments[n++] = batch->mandates[i];
	}
	for (char *p; n < ARGUMENTS_MAX - 1 && (p = strsep(&image->attributes, "|"));)
		if (*p) {
			arguments[n++] = "--attribute";
			arguments[n++] = p;
		}
	arguments[n++] = "--";
	for (char *p; n < ARGUMENTS_MAX && (p = strsep(&image->paths, "|"));)
		if (*p)
			arguments[n++] = p;

	const int out = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (out >= 0 && dup2(out, STDOUT_FILENO) >= 0 && dup2(out, STDERR_FILENO) >= 0)
		(void)execv("/proc/self/exe", (char *const *)(uintptr_t)arguments);
	_exit(EXIT_FAULT);
}

/* Waits for one of the children and notes how it ended. */
static void await_one(struct batch *batch)
{
	int status = 0;
	const pid_t pid = waitpid(-1, &status, 0);

	for (size_t i = 0; pid > 0 && i < batch->n; i++) {
		struct image_job *image = &batch->images[i];

		if (image->pid != pid)
			continue;
		image->pid = 0;
		image->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAULT;
		fprintf(stderr, "%s: exit status %d\n", image->id, image->exit_status);
	}
}

static void run_all(struct batch *batch)
{
	unsigned long running = 0;

	for (size_t i = 0; i < batch->n; i++) {
		if (running == batch->jobs) {
			await_one(batch);
			running--;
		}

		const pid_t pid = fork();

		if (pid == 0)
			become_analyze(batch, &batch->images[i]);
		if (pid > 0) {
			batch->images[i].pid = pid;
			running++;
		}
	}
	for (; running; running--)
		await_one(batch);
}

/* Of the mandates named, or of all where none was: the verdict that weighs most. */
static const json_t *worst_verdict(const json_t *document, bool named_only)
{
	static const char *const order[] = { "not-removed",  "reinstalled",   "removed-late",
					     "residue",	     "installed-after", "indeterminate",
					     "not-yet-due",  "removed-in-time", "no-trace",
					     "noted",	     "not-applicable" };
	const json_t *verdicts = json_object_get(document, "verdicts");

	for (size_t k = 0; k < sizeof(order) / sizeof(order[0]); k++)
		for (size_t i = 0; i < json_array_size(verdicts); i++) {
			const json_t *one = json_array_get(verdicts, i);

			if ((!named_only || json_is_true(json_object_get(one, "named"))) &&
			    strcmp(citation_text(one, "outcome"), order[k]) == 0)
				return one;
		}
	return NULL;
}

static int write_summary(const struct batch *batch)
{
	char path[PATH_ROOM];
	int worst = 0;

	(void)snprintf(path, sizeof(path), "%s/summary.csv", batch->folder);

	FILE *out = fopen(path, "we");

	if (!out)
		return fail(EXIT_FAULT, "'%s': %s", path, strerror(errno));
	fputs("id,outcome,qualified,exit_status\n", out);
	for (size_t i = 0; i < batch->n; i++) {
		const struct image_job *image = &batch->images[i];
		int ignored;

		(void)snprintf(path, sizeof(path), "%s/%s.avouch", batch->folder, image->id);

		json_t *document = image->exit_status < EXIT_USAGE ?
					   citation_document(path, &ignored) : NULL;
		const json_t *verdict = worst_verdict(document, batch->n_mandates > 0);
		const bool qualified = json_is_true(json_object_get(verdict, "qualified"));
		const char *outcome = citation_text(verdict, "outcome");

		fprintf(out, "%s,%s,%s,%d\n", image->id, *outcome ? outcome : "none",
			qualified ? "true" : "false", image->exit_status);
		json_decref(document);
		/* A failed image leaves the question open; a breach weighs more. */
		if (image->exit_status == 1)
			worst = 1;
		else if (image->exit_status != 0 && worst == 0)
			worst = 2;
	}
	return fclose(out) == 0 ? worst : fail(EXIT_FAULT, "'%s' cannot be written", path);
}

static bool take_option(struct batch *batch, int option, char *argument)
{
	char *end = NULL;

	if (option == 'm' && batch->n_mandates < MANDATES_MAX) {
		batch->mandates[batch->n_mandates++] = argument;
		return true;
	}
	if (option == 'o')
		batch->folder = argument;
	if (option == 'j')
		batch->jobs = strtoul(argument, &end, 10);
	return option == 'o' ||
	       (option == 'j' && *end == '\0' && batch->jobs > 0 && batch->jobs <= JOBS_MAX);
}

static int run(int argc, char **argv)
{
	static const struct option longs[] = { { "mandate", required_argument, NULL, 'm' },
					       { "output", required_argument, NULL, 'o' },
					       { "jobs", required_argument, NULL, 'j' },
					       { "help", no_argument, NULL, 'h' },
					       { NULL, 0, NULL, 0 } };
	CLEANUP(batch_clear) struct batch batch = { .jobs = 1 };

	for (int o; (o = getopt_long(argc, argv, "m:o:j:h", longs, NULL)) != -1;) {
		if (o == 'h') {
			fputs(batch_command.usage, stdout);
			return 0;
		}
		if (!take_option(&batch, o, optarg))
			return usage_error("batch", "option not understood");
	}
	if (argc - optind != 1 || !batch.folder)
		return usage_error("batch", "a manifest and -o DIR must be named");

	const int status = read_manifest(&batch, argv[optind]);

	if (status != 0)
		return status;
	if (mkdir(batch.folder, 0777) != 0 && errno != EEXIST)
		return fail(EXIT_FAULT, "'%s': %s", batch.folder, strerror(errno));
	run_all(&batch);
	return write_summary(&batch);
}

const struct command batch_command = {
	.name = "batch",
	.summary = "analyze the images of a manifest",
	.usage = "Usage: avouch batch [options] MANIFEST.csv -o DIR\n"
		 "Columns: id,paths,attributes (paths and KEY=VALUE attributes separated by '|').\n"
		 "Analyzes each image in a process of its own, goes on after failures, writes\n"
		 "DIR/ID.avouch, DIR/ID.log and DIR/summary.csv. Exit status: 1 a non-compliant\n"
		 "image, else 2 one that cannot be said or failed, else 0.\n\n"
		 "  -o, --output DIR         the folder to write to\n"
		 "  -m, --mandate ID|FILE    judge against this mandate (repeatable)\n"
		 "  -j, --jobs N             images side by side (default 1)\n",
	.run = run,
};
