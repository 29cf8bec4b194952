/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/pattern.h"

#include "parsers/base/text.h"

/*
 * Folders that stand at different places in different Windows versions and languages. A token is
 * replaced by its text, which may hold braces and tokens again. The localised names are those of
 * Windows XP; later systems have them as links only.
 */
static const struct token {
	const char *name, *text;
} tokens[] = {
	{ "pf", "/{Program Files,Program Files (x86),Programme,Archivos de programa,Programmi,"
		"Arquivos de programas}" },
	{ "common", "{pf}/{Common Files,Gemeinsame Dateien}" },
	{ "pd", "/{ProgramData,Documents and Settings/All Users/Application Data,"
		"Dokumente und Einstellungen/All Users/Anwendungsdaten}" },
	{ "windows", "/{Windows,WINNT}" },
	{ "system32", "{windows}/{System32,SysWOW64,Sysnative}" },
	{ "drivers", "{windows}/{System32,SysWOW64}/drivers" },
	{ "systemd", "/{etc,lib,usr/lib}/systemd/system" },
};

struct expansion {
	struct arena *arena;
	bool with_tokens;
	struct text *items;
	size_t n, capacity;
	struct failure *why;
};

bool pattern_has_components(enum aspect aspect)
{
	return aspect == ASPECT_PATH || aspect == ASPECT_KEY;
}

static bool text_starts(struct text text, const char *head)
{
	const size_t size = strlen(head);

	return text.size >= size && memcmp(text.data, head, size) == 0;
}

static struct text part(struct text text, size_t from, size_t to)
{
	return (struct text){ text.data + from, to - from };
}

static struct text joined(struct arena *arena, struct text a, struct text b, struct text c)
{
	char *data = arena_alloc(arena, a.size + b.size + c.size + 1);

	if (!data)
		return (struct text){ NULL, 0 };
	if (a.size)
		memcpy(data, a.data, a.size);
	if (b.size)
		memcpy(data + a.size, b.data, b.size);
	if (c.size)
		memcpy(data + a.size + b.size, c.data, c.size);
	return (struct text){ data, a.size + b.size + c.size };
}

/* Position of the '}' that closes the '{' at open; text.size when there is none. */
static size_t closing(struct text text, size_t open, bool *ret_comma)
{
	int depth = 0;

	*ret_comma = false;
	for (size_t i = open; i < text.size; i++) {
		if (text.data[i] == '{')
			depth++;
		else if (text.data[i] == '}' && --depth == 0)
			return i;
		else if (text.data[i] == ',' && depth == 1)
			*ret_comma = true;
	}
	return text.size;
}

static const struct token *find_token(struct text name)
{
	for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++)
		if (text_equal(name, text_of(tokens[i].name)))
			return &tokens[i];
	return NULL;
}

static enum status add_item(struct expansion *e, struct text item)
{
	if (e->n == PATTERN_MAX_EXPANSION)
		return failure_set(e->why, ERR_FORMAT, "stands for more than %d patterns",
				   PATTERN_MAX_EXPANSION);
	if (e->n == e->capacity) {
		const size_t capacity = e->capacity ? e->capacity * 2 : 8;
		struct text *items = arena_array(e->arena, capacity, sizeof(*items));

		if (!items)
			return failure_set(e->why, ERR_NO_MEMORY, "patterns");
		if (e->n)
			memcpy(items, e->items, e->n * sizeof(*items));
		e->items = items;
		e->capacity = capacity;
	}
	e->items[e->n++] = item;
	return STATUS_OK;
}

/* A name in braces that looks like a token: lower-case letters and digits only. */
static bool looks_like_token(struct text name)
{
	for (size_t i = 0; i < name.size; i++)
		if (!((name.data[i] >= 'a' && name.data[i] <= 'z') ||
		      (name.data[i] >= '0' && name.data[i] <= '9')))
			return false;
	return name.size > 0;
}

/* Expands the first group or token at or behind from; depth is bounded by the pattern's length. */
static enum status expand(struct expansion *e, struct text text, size_t from, unsigned depth)
{
	if (depth > 64 || !text.data)
		return failure_set(e->why, text.data ? ERR_FORMAT : ERR_NO_MEMORY,
				   "braces nested too deep");
	while (from < text.size && text.data[from] != '{')
		from++;
	if (from == text.size)
		return add_item(e, text);

	bool comma;
	const size_t close = closing(text, from, &comma);
	const struct text head = part(text, 0, from);

	if (close == text.size)
		return failure_set(e->why, ERR_FORMAT, "'{' without '}'");
	const struct text tail = part(text, close + 1, text.size);
	const struct text inner = part(text, from + 1, close);

	if (!comma) {
		const struct token *token = e->with_tokens ? find_token(inner) : NULL;

		if (token)
			return expand(e, joined(e->arena, head, text_of(token->text), tail), from,
				      depth + 1);
		if (e->with_tokens && looks_like_token(inner))
			return failure_set(e->why, ERR_FORMAT, "unknown token {%.*s}",
					   (int)inner.size, inner.data);
		return expand(e, text, close + 1, depth + 1); /* a GUID */
	}
	size_t start = 0;
	int level = 0;

	for (size_t i = 0; i <= inner.size; i++) {
		if (i < inner.size && inner.data[i] == '{')
			level++;
		else if (i < inner.size && inner.data[i] == '}')
			level--;
		if (i < inner.size && (inner.data[i] != ',' || level != 0))
			continue;
		const enum status status = expand(
			e, joined(e->arena, head, part(inner, start, i), tail), from, depth + 1);

		if (status < 0)
			return status;
		start = i + 1;
	}
	return STATUS_OK;
}

/* End of the '[...]' at open (position of ']'), or size when it is not closed. */
static size_t class_end(struct text glob, size_t open)
{
	size_t i = open + 1;

	if (i < glob.size && glob.data[i] == '!')
		i++;
	if (i < glob.size && glob.data[i] == ']')
		i++;
	while (i < glob.size && glob.data[i] != ']')
		i++;
	return i;
}

static enum status check_glob(struct text glob, bool components, struct failure *why)
{
	size_t start = 0;

	for (size_t i = 0; i < glob.size; i++)
		if (glob.data[i] == '[') {
			i = class_end(glob, i);
			if (i == glob.size)
				return failure_set(why, ERR_FORMAT, "'[' without ']'");
		}
	if (!components)
		return STATUS_OK;
	for (size_t i = 0; i <= glob.size; i++) {
		if (i < glob.size && glob.data[i] != '/')
			continue;
		const struct text name = part(glob, start, i);

		if (name.size == 0 && start != 0 && i != glob.size)
			return failure_set(why, ERR_FORMAT, "empty component");
		for (size_t k = 1; k < name.size; k++)
			if (name.data[k] == '*' && name.data[k - 1] == '*' && name.size != 2)
				return failure_set(why, ERR_FORMAT, "'**' inside a component");
		start = i + 1;
	}
	return STATUS_OK;
}

static enum status expand_expression(struct arena *arena, struct text written,
				     struct pattern_list *ret, struct failure *why)
{
	struct text *item = arena_alloc(arena, sizeof(*item));

	if (!item)
		return failure_set(why, ERR_NO_MEMORY, "patterns");
	*item = written;
	ret->items = ret->spelt = item;
	ret->n = 1;
	return STATUS_OK;
}

enum status pattern_expand(struct arena *arena, enum aspect aspect, const char *written,
			   struct pattern_list *ret, struct failure *why)
{
	struct text text = text_of(written);
	struct pattern_list list = { 0 };
	const bool components = pattern_has_components(aspect);

	if (text.size && text.data[0] == '!') {
		list.negated = true;
		text = part(text, 1, text.size);
	}
	if (text.size == 0)
		return failure_set(why, ERR_FORMAT, "empty pattern");
	if (!text_is_utf8(text))
		return failure_set(why, ERR_FORMAT, "pattern is not UTF-8");
	if (text_starts(text, "re:")) {
		if (components)
			return failure_set(why, ERR_FORMAT, "no expression in paths and keys");
		const enum status status = expand_expression(arena, text, &list, why);

		if (status == STATUS_OK)
			*ret = list;
		return status;
	}
	struct expansion e = { .arena = arena, .with_tokens = aspect == ASPECT_PATH, .why = why };
	enum status status = expand(&e, text, 0, 0);

	list.items = status == STATUS_OK ? arena_array(arena, e.n, sizeof(*list.items)) : NULL;
	if (status == STATUS_OK && !list.items)
		return failure_set(why, ERR_NO_MEMORY, "patterns");
	for (size_t i = 0; status == STATUS_OK && i < e.n; i++) {
		status = check_glob(e.items[i], components, why);
		list.items[i] = text_fold(arena, e.items[i]);
		if (!list.items[i].data)
			status = failure_set(why, ERR_NO_MEMORY, "patterns");
	}
	if (status < 0)
		return status;
	list.spelt = e.items;
	list.n = e.n;
	*ret = list;
	return STATUS_OK;
}

bool pattern_is_expression(struct text pattern)
{
	return pattern.size > 3 && memcmp(pattern.data, "re:", 3) == 0;
}

bool glob_is_literal(struct text glob)
{
	for (size_t i = 0; i < glob.size; i++)
		if (strchr("*?[", glob.data[i]))
			return false;
	return true;
}

static bool class_fits(struct text glob, size_t open, size_t end, uint32_t c)
{
	size_t pos = open + 1;
	bool negated = false, fits = false;

	if (pos < end && glob.data[pos] == '!') {
		negated = true;
		pos++;
	}
	const struct text inner = part(glob, 0, end);

	while (pos < end) {
		const uint32_t low = text_next(inner, &pos);
		uint32_t high = low;

		if (pos + 1 < end && glob.data[pos] == '-') {
			pos++;
			high = text_next(inner, &pos);
		}
		fits |= c >= low && c <= high;
	}
	return fits != negated;
}

/* One element of the glob at *p against the next character of text at *t; both move on. */
static bool element_fits(struct text glob, size_t *p, struct text text, size_t *t)
{
	const uint32_t c = text_next(text, t);

	if (glob.data[*p] == '?') {
		++*p;
		return true;
	}
	if (glob.data[*p] == '[') {
		const size_t end = class_end(glob, *p);
		const bool fits = end < glob.size && class_fits(glob, *p, end, c);

		*p = end < glob.size ? end + 1 : glob.size;
		return fits;
	}
	return text_next(glob, p) == c;
}

bool glob_fits(struct text glob, struct text text, uint64_t *steps)
{
	size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;

	while (t < text.size) {
		++*steps;
		if (p < glob.size && glob.data[p] == '*') {
			star = ++p;
			mark = t;
			continue;
		}
		size_t next_p = p, next_t = t;

		if (p < glob.size && element_fits(glob, &next_p, text, &next_t)) {
			p = next_p;
			t = next_t;
		} else if (star != SIZE_MAX) {
			p = star;
			text_next(text, &mark);
			t = mark;
		} else {
			return false;
		}
	}
	while (p < glob.size && glob.data[p] == '*')
		p++;
	return p == glob.size;
}

struct text glob_literal(struct text glob)
{
	struct text best = { glob.data, 0 };
	size_t start = 0;

	for (size_t i = 0; i <= glob.size; i++) {
		if (i < glob.size && !strchr("*?[", glob.data[i]))
			continue;
		if (i - start > best.size)
			best = part(glob, start, i);
		if (i < glob.size && glob.data[i] == '[')
			i = class_end(glob, i);
		start = i + 1;
	}
	return best;
}

/* Drops the last character, which a quantifier makes optional. */
static size_t without_last(const char *data, size_t start, size_t end)
{
	if (end > start)
		end--;
	while (end > start && ((unsigned char)data[end] & 0xc0) == 0x80)
		end--;
	return end;
}

struct text expression_literal(struct arena *arena, struct text expression)
{
	struct text best = { expression.data, 0 };
	size_t start = 0;
	int depth = 0;

	for (size_t i = 0; i <= expression.size; i++) {
		const char c = i < expression.size ? expression.data[i] : '$';

		if (c == '|' && depth == 0)
			return (struct text){ expression.data, 0 };
		if (c == '\\')
			return (struct text){ expression.data, 0 };
		if (depth == 0 && !strchr(".^$*+?()[{", c))
			continue;
		if (depth == 0) {
			const size_t end = strchr("*?{", c) && start < i
						   ? without_last(expression.data, start, i)
						   : i;

			if (end > start && end - start > best.size)
				best = part(expression, start, end);
		}
		depth += (c == '(') - (c == ')');
		if (c == '[')
			i = class_end(expression, i);
		else if (c == '{')
			while (i < expression.size && expression.data[i] != '}')
				i++;
		start = i + 1;
	}
	return text_fold(arena, best);
}
