/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/command/citation.h"

#include "analyzer/command/command.h"
#include "parsers/base/limits.h"
#include "parsers/base/text.h"

static bool is_same_image(const char *a, const char *b)
{
	const char *dot = strrchr(a, '.');

	/* Further segments of an image that was named already: same name, another number. */
	return dot && strlen(a) == strlen(b) && strncmp(a, b, (size_t)(dot - a) + 2) == 0 &&
	       strspn(dot + 2, "0123456789ABCDEFabcdef") == strlen(dot + 2);
}

size_t evidence_group(char **arguments, size_t n, struct collect_evidence *ret, size_t max)
{
	size_t images = 0;

	for (size_t i = 0; i < n;) {
		size_t end = i + 1;

		while (end < n && is_same_image(arguments[i], arguments[end]))
			end++;
		if (images == max)
			return 0;
		ret[images++] = (struct collect_evidence){ (const char *const *)&arguments[i],
							   end - i };
		i = end;
	}
	return images;
}

json_t *citation_document(const char *case_path, int *ret_exit_status)
{
	CLEANUP(arena_free_p) struct arena *arena = arena_new(LIMIT_ARENA);
	CLEANUP(case_close_p) struct case_file *file = NULL;
	struct case_judgement judgement;
	struct failure why = FAILURE_NONE;
	json_error_t error;

	*ret_exit_status = EXIT_UNREADABLE;
	if (!arena || case_open(case_path, false, &file, &why) < 0) {
		(void)fail(EXIT_UNREADABLE, "%s", why.text);
		return NULL;
	}

	const enum status status = case_find_judgement(file, 0, arena, &judgement, &why);

	if (status != STATUS_OK) {
		(void)fail(EXIT_UNREADABLE, "'%s': %s", case_path,
			   status < 0 ? why.text : "never judged; 'avouch judge' does that");
		return NULL;
	}

	json_t *document = json_loads(judgement.document, 0, &error);

	if (!document)
		*ret_exit_status = fail(EXIT_FAULT, "the judgement in the case is damaged: %s",
					error.text);
	return document;
}

const char *citation_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text ? text : "";
}

const json_t *citation_find(const json_t *document, const char *array, const char *id)
{
	const json_t *all = json_object_get(document, array);

	for (size_t i = 0; i < json_array_size(all); i++)
		if (strcmp(citation_text(json_array_get(all, i), "id"), id) == 0)
			return json_array_get(all, i);
	return NULL;
}

static uint64_t number(const json_t *object, const char *member)
{
	const json_int_t value = json_integer_value(json_object_get(object, member));

	return value > 0 ? (uint64_t)value : 0;
}

/* A place of the locator: the locator itself, or its container. */
static bool range_of(const json_t *document, const json_t *locator, const json_t *place,
		     struct cited_range *ret)
{
	const json_t *volume = citation_find(document, "volumes", citation_text(locator, "volume"));
	const json_t *evidence = json_object_get(document, "evidence");
	const char *snapshot = citation_text(locator, "snapshot");
	const char *sha256 = citation_text(place, "sha256");
	size_t i = 0;

	if (strlen(sha256) != 64 || number(place, "size") == 0)
		return false;
	while (i < json_array_size(evidence) &&
	       strcmp(citation_text(json_array_get(evidence, i), "id"),
		      citation_text(locator, "evidence")) != 0)
		i++;
	*ret = (struct cited_range){ .evidence = i,
				     .volume_offset = number(locator, "volume_offset"),
				     .volume_size = number(volume, "size"),
				     .logical = (uint32_t)number(volume, "logical"),
				     .file = citation_text(place, "file"),
				     .entry = number(place, "entry"),
				     .attribute = citation_text(place, "attribute"),
				     .offset = number(place, "offset"),
				     .size = number(place, "size"),
				     .sha256 = sha256 };
	if (*snapshot)
		ret->snapshot = instant_parse(text_of(snapshot));
	return true;
}

size_t citation_ranges(const json_t *document, const json_t *witness,
		       struct cited_range ret[CITED_RANGES], const char *names[CITED_RANGES])
{
	const json_t *locator = json_object_get(witness, "locator");
	const json_t *places[CITED_RANGES] = { locator, json_object_get(locator, "container") };
	size_t n = 0;

	for (size_t i = 0; i < CITED_RANGES; i++) {
		if (!range_of(document, locator, places[i], &ret[n]))
			continue;
		names[n++] = i == 0 ? "witness" : "container";
	}
	return n;
}

void citation_print(FILE *out, const char *text)
{
	for (; *text; text++)
		(void)fputc((unsigned char)*text < 32 || *text == 127 ? '?' : *text, out);
}
