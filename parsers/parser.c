/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/parser.h"

#include "parsers/base/text.h"
#include "parsers/filesystem/file.h"

#define PARSER(name) extern const struct parser name;
#include "parsers/parser_list.h"
#undef PARSER

#define PARSER(name) &name,
const struct parser *const all_parsers[] = {
#include "parsers/parser_list.h"
	NULL,
};
#undef PARSER

/* Types that readers emit which are no parsers: the survey of a file system. */
static const struct trace_type *const survey_types[] = { &filesystem_file_type,
						      &ntfs_index_entry_type, NULL };

const struct parser *parser_find(struct text name)
{
	for (size_t i = 0; all_parsers[i]; i++)
		if (text_equal(text_of(all_parsers[i]->name), name))
			return all_parsers[i];
	return NULL;
}

static const struct trace_type *find_in(const struct trace_type *const *types, struct text name)
{
	for (; types && *types; types++)
		if (text_equal(text_of((*types)->name), name))
			return *types;
	return NULL;
}

const struct trace_type *trace_type_find(struct text name)
{
	const struct trace_type *type = find_in(survey_types, name);

	for (size_t i = 0; !type && all_parsers[i]; i++)
		type = find_in(all_parsers[i]->emits, name);
	return type;
}
