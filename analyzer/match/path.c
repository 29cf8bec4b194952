/* SPDX-License-Identifier: Apache-2.0 */
/* One spelling for file paths, whoever wrote them. */
#include "analyzer/match/path.h"

#include "analyzer/match/matcher.h"

/* Heads that stand for a folder; compared folded, with '/' for '\'. */
static const struct head {
	const char *head, *text;
} heads[] = {
	{ "/systemroot/", "/Windows/" },
	{ "%systemroot%/", "/Windows/" },
	{ "%windir%/", "/Windows/" },
	{ "%programfiles%/", "/Program Files/" },
	{ "%programfiles(x86)%/", "/Program Files (x86)/" },
	{ "%programw6432%/", "/Program Files/" },
	{ "%commonprogramfiles%/", "/Program Files/Common Files/" },
	{ "%commonprogramfiles(x86)%/", "/Program Files (x86)/Common Files/" },
	{ "%programdata%/", "/ProgramData/" },
	{ "%allusersprofile%/", "/ProgramData/" },
	{ "%systemdrive%/", "/" },
	{ "system32/", "/Windows/System32/" },
	{ "syswow64/", "/Windows/SysWOW64/" },
};

/* Where a command line without quotes ends its program. */
static const char *const program_ends[] = { ".exe ", ".sys ", ".dll ", ".com ", ".exe,", ".dll," };

static struct text behind(struct text text, size_t n)
{
	return (struct text){ text.data + n, text.size - n };
}

static bool starts_folded(struct text text, const char *head)
{
	const size_t size = strlen(head);

	return text.size >= size &&
	       text_equal_folded((struct text){ text.data, size }, (struct text){ head, size });
}

static struct text trim(struct text text)
{
	while (text.size && (text.data[0] == ' ' || text.data[0] == '\t'))
		text = behind(text, 1);
	while (text.size && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == 0))
		text.size--;
	return text;
}

/* Quotes and arguments go. */
static struct text program_of(struct text text)
{
	text = trim(text);
	if (text.size && text.data[0] == '"') {
		text = behind(text, 1);
		const char *end = memchr(text.data, '"', text.size);

		if (end)
			text.size = (size_t)(end - text.data);
		return trim(text);
	}
	for (size_t i = 0; i + 5 <= text.size; i++)
		for (size_t k = 0;
		     text.data[i] == '.' && k < sizeof(program_ends) / sizeof(program_ends[0]); k++)
			if (starts_folded(behind(text, i), program_ends[k]))
				return (struct text){ text.data, i + 4 };
	return text;
}

bool path_name_is_plain(struct text name)
{
	const char last = name.size ? name.data[name.size - 1] : ' ';

	if (last == ' ' || last == 0 || memchr(name.data, '\\', name.size))
		return false;
	for (const char *at = name.data, *end = at + name.size;
	     (at = memchr(at, '.', (size_t)(end - at))) && end - at >= 5; at++)
		if (at[4] == ' ' || at[4] == ',')
			return false;
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Drops the component at the start: "/device/harddiskvolume3/..." without "/device" and the like.
 */
static struct text without_component(struct text path)
{
	size_t i = 1;

	while (i < path.size && path.data[i] != '/')
		i++;
	return behind(path, i);
}

/* Prefixes of the object manager, volumes and drives. path has '/' only. */
static struct text without_volume(struct text path)
{
	/* Split, or the preprocessor sees a trigraph. */
	if (starts_folded(path, "/?"
				"?/") ||
	    starts_folded(path, "//?/") || starts_folded(path, "//./")) {
		path = behind(path, 3);
		if (starts_folded(path, "/unc/"))
			return behind(path, path.size); /* on another computer */
	}
	if (path.size > 2 && path.data[0] == '/' && is_letter(path.data[1]) && path.data[2] == ':')
		path = behind(path, 1);
	if (path.size > 1 && is_letter(path.data[0]) && path.data[1] == ':')
		return behind(path, 2);
	if (starts_folded(path, "/device/harddiskvolume"))
		return without_component(without_component(path));
	if (starts_folded(path, "/volume{"))
		return without_component(path);
	return path;
}

static struct text collapse(struct arena *arena, struct text head, struct text path)
{
	char *data = arena_alloc(arena, head.size + path.size + 2);
	size_t n = 0;

	if (!data)
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < head.size; i++)
		data[n++] = head.data[i];
	for (size_t i = 0; i < path.size; i++)
		if (path.data[i] != '/' || n == 0 || data[n - 1] != '/')
			data[n++] = path.data[i];
	while (n > 1 && data[n - 1] == '/')
		n--;
	return (struct text){ data, n };
}

struct text path_normalize(struct arena *arena, struct text path)
{
	path = program_of(path);
	char *data = arena_alloc(arena, path.size + 1);

	if (!data)
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < path.size; i++)
		data[i] = path.data[i] == '\\' ? '/' : path.data[i];
	struct text plain = without_volume((struct text){ data, path.size });

	/* Most paths start at the root: only one of the heads does. */
	const size_t first_head =
		plain.size > 1 && plain.data[0] == '/' && (plain.data[1] | 0x20) != 's'
			? sizeof(heads) / sizeof(heads[0])
			: 0;

	for (size_t i = first_head; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (starts_folded(plain, heads[i].head))
			return collapse(arena, text_of(heads[i].text),
					behind(plain, strlen(heads[i].head)));
	if (plain.size == 0 || plain.data[0] != '/' ||
	    (plain.size > 1 && plain.data[1] == '/')) /* relative, or on another computer */
		return (struct text){ data, 0 };
	return collapse(arena, (struct text){ data, 0 }, plain);
}

/* What an operating system set aside when it was replaced stands below this folder. */
struct text path_without_old_root(struct text folded)
{
	static const char old[] = "/windows.old";
	const size_t n = sizeof(old) - 1;
	const char *slash;

	/* Windows.old, and the later Windows.old.000 or Windows.old(1) */
	if (folded.size <= n || memcmp(folded.data, old, n) != 0 || !strchr("/.(", folded.data[n]))
		return folded;
	slash = memchr(folded.data + n, '/', folded.size - n);
	return slash ? (struct text){ slash, folded.size - (size_t)(slash - folded.data) } : folded;
}

struct text path_base_name(struct text path)
{
	size_t start = path.size;

	while (start > 0 && path.data[start - 1] != '/' && path.data[start - 1] != '\\')
		start--;
	return behind(path, start);
}
