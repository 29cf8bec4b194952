/* SPDX-License-Identifier: Apache-2.0 */
/* The parser's door to its driver. */
#include "parsers/parser.h"

#include <stdarg.h>
#include <stdio.h>

#include "parsers/base/text.h"

enum status emit(struct parse_context *ctx, const struct trace *trace, struct failure *why)
{
	return ctx->ops->emit(ctx, trace, why);
}

void note(struct parse_context *ctx, uint64_t offset, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut is fine */
	va_end(args);
	if (ctx->ops->note)
		ctx->ops->note(ctx, offset, text);
}

void lost(struct parse_context *ctx, uint64_t offset, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args); /* cut is fine */
	va_end(args);
	if (ctx->ops->lost)
		ctx->ops->lost(ctx, offset, text);
}

void cover(struct parse_context *ctx, const char *recorder, struct instant from, struct instant to)
{
	if (ctx->ops->cover)
		ctx->ops->cover(ctx, recorder, from, to);
}

bool wants_path(struct parse_context *ctx, struct text path)
{
	return !ctx->ops->wants_path || ctx->ops->wants_path(ctx, path);
}

bool wants_key(struct parse_context *ctx, struct text key)
{
	return !ctx->ops->wants_key || ctx->ops->wants_key(ctx, key);
}

bool wants_log(struct parse_context *ctx, struct text channel, struct text provider)
{
	return !ctx->ops->wants_log || ctx->ops->wants_log(ctx, channel, provider);
}

struct text folder_path(struct parse_context *ctx, uint64_t reference)
{
	if (!ctx->ops->folder_path)
		return (struct text){ NULL, 0 };
	return ctx->ops->folder_path(ctx, reference);
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

/* Whether two bytes are ASCII and differ for folding, too: then no fold makes their letters one. */
static bool byte_differs(char a, char b)
{
	const unsigned char x = (unsigned char)a, y = (unsigned char)b;

	if (x >= 0x80 || y >= 0x80 || x == y)
		return false;
	return (x | 0x20) != (y | 0x20) || (x | 0x20) < 'a' || (x | 0x20) > 'z';
}

static bool is_wild(char c)
{
	return c == '*' || c == '?';
}

/*
 * Refuses most paths by the letters after the glob's last wildcard and before its first. Where a
 * letter of more than one byte stands on either side, nothing is said.
 */
static bool ends_differ(struct text glob, struct text path)
{
	for (size_t i = 1; i <= glob.size && !is_wild(glob.data[glob.size - i]); i++) {
		if (i > path.size || byte_differs(glob.data[glob.size - i], path.data[path.size - i]))
			return true;
		if (((glob.data[glob.size - i] | path.data[path.size - i]) & 0x80) != 0)
			break;
	}
	for (size_t i = 0; i < glob.size && !is_wild(glob.data[i]); i++) {
		if (i >= path.size || byte_differs(glob.data[i], path.data[i]))
			return true;
		if (((glob.data[i] | path.data[i]) & 0x80) != 0)
			break;
	}
	return false;
}

bool path_fits(const char *glob, struct text path)
{
	const struct text pattern = text_of(glob);
	unsigned steps = 0;

	if (ends_differ(pattern, path))
		return false;
	return fits(pattern, 0, path, 0, &steps);
}
