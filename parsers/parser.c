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
static const struct trace_type *const survey_types[] = { &filesystem_file_type, NULL };

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

/* Matches from g on against path from p on; steps bounds the backtracking of hostile names. */
static bool fits(struct text glob, size_t g, struct text path, size_t p, unsigned *steps)
{
	while (g < glob.size) {
		if (++*steps > 100000)
			return false;
		if (glob.data[g] == '*') {
			const bool deep = g + 1 < glob.size && glob.data[g + 1] == '*';
			const size_t rest = g + (deep ? 2 : 1);

			for (size_t q = p;; text_next(path, &q)) {
				if (fits(glob, rest, path, q, steps))
					return true;
				if (q >= path.size || (!deep && path.data[q] == '/'))
					return false;
			}
		}
		if (p >= path.size)
			return false;

		const uint32_t want = text_next(glob, &g), have = text_next(path, &p);

		if (want == '?' ? have == '/' : text_fold_char(want) != text_fold_char(have))
			return false;
	}
	return p == path.size;
}

bool path_fits(const char *glob, struct text path)
{
	unsigned steps = 0;

	return fits(text_of(glob), 0, path, 0, &steps);
}
