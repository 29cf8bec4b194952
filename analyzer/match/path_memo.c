/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/match/path_memo.h"

#include "analyzer/match/matcher.h"
#include "analyzer/match/path.h"

enum {
	N_SLOTS = 2048, /* a power of two */
	NAME_ROOM = 1024,
	SCRATCH = 1 << 20,
	SCRATCH_KEPT = SCRATCH / 2,
	MAX_FOLDER = 4096, /* bytes; deeper folders are walked */
};

/* A folder: its path and the nodes stand behind it in one block. */
struct folder {
	uint64_t hash;
	size_t size;
	struct trie_place place;
	bool plain; /* false: spelt in a way that only the whole walk knows */
	char path[];
};

struct path_memo {
	const struct trie *trie;
	struct arena *scratch;
	struct folder *last;
	struct folder *slots[N_SLOTS]; /* by hash; a newer one takes the place */
};

struct path_memo *path_memo_new(const struct trie *trie)
{
	struct path_memo *memo = calloc(1, sizeof(*memo));

	if (!memo)
		return NULL;
	memo->trie = trie;
	memo->scratch = arena_new(SCRATCH);
	if (!memo->scratch) {
		free(memo);
		return NULL;
	}
	return memo;
}

void path_memo_free(struct path_memo *memo)
{
	if (!memo)
		return;
	for (size_t i = 0; i < N_SLOTS; i++)
		free(memo->slots[i]);
	arena_free(memo->scratch);
	free(memo);
}

static bool is_folder(const struct folder *folder, uint64_t hash, struct text path)
{
	return folder && folder->hash == hash && folder->size == path.size &&
	       memcmp(folder->path, path.data, path.size) == 0;
}

/* Splits before the last component; false when there is none. */
static bool split(struct text path, struct text *folder, struct text *name)
{
	size_t start = path.size;

	while (start > 0 && path.data[start - 1] != '/')
		start--;
	if (start == 0 || start == path.size)
		return false;
	*folder = (struct text){ path.data, start - 1 };
	*name = (struct text){ path.data + start, path.size - start };
	return true;
}

static size_t count_components(struct text folder)
{
	size_t n = 0;

	for (size_t i = 0; i < folder.size; i++)
		n += folder.data[i] == '/';
	return n;
}

/* Near the root, where prefixes are: what a name in the folder is normalised to tells. */
static enum status place_of_head(struct path_memo *memo, struct text path,
				 struct trie_place *ret, bool *ret_plain, uint64_t *steps)
{
	const char *probe = arena_printf(memo->scratch, "%.*s/x", (int)path.size, path.data);
	const struct text asked = text_of(probe);
	const struct text normal = probe ? path_normalize(memo->scratch, asked) : asked;
	struct trie_place place = { .n = 0 };
	const struct trie_place *above = NULL;

	if (!normal.data)
		return ERR_NO_MEMORY;
	*ret_plain = text_equal(normal, asked);
	if (!*ret_plain)
		return STATUS_OK;

	const struct text folded = path_without_old_root(text_fold(memo->scratch, normal));

	if (!folded.data)
		return ERR_NO_MEMORY;
	for (size_t pos = 1, end = 1; end < folded.size; end++) {
		if (folded.data[end] != '/')
			continue;

		const struct text component = { folded.data + pos, end - pos };
		const enum status status = trie_enter(memo->trie, above, component,
						      memo->scratch, &place, steps);

		if (status < 0)
			return status;
		above = &place;
		pos = end + 1;
	}
	if (!above)
		return trie_root(memo->trie, memo->scratch, ret);
	*ret = place;
	return STATUS_OK;
}

static struct folder *find_folder(struct path_memo *memo, struct text path, uint64_t *steps);

static enum status find_place(struct path_memo *memo, struct text path, struct trie_place *ret,
			      bool *ret_plain, uint64_t *steps)
{
	struct text above, name;

	if (count_components(path) <= PATH_PREFIX_COMPONENTS)
		return place_of_head(memo, path, ret, ret_plain, steps);
	*ret_plain = false;
	if (!split(path, &above, &name) || !path_name_is_plain(name))
		return STATUS_OK;

	const struct folder *folder = find_folder(memo, above, steps);
	const struct text folded = text_fold(memo->scratch, name);

	if (!folder || !folded.data)
		return ERR_NO_MEMORY;
	*ret_plain = folder->plain;
	if (!folder->plain)
		return STATUS_OK;
	return trie_enter(memo->trie, &folder->place, folded, memo->scratch, ret, steps);
}

/* NULL on any failure. Depth is bounded by the components of MAX_FOLDER bytes. */
static struct folder *find_folder(struct path_memo *memo, struct text path, uint64_t *steps)
{
	const uint64_t hash = hash_text(path);
	struct folder **slot = &memo->slots[hash & (N_SLOTS - 1)];
	struct trie_place place = { .n = 0 };
	bool plain = false;

	if (is_folder(*slot, hash, path))
		return *slot;
	if (find_place(memo, path, &place, &plain, steps) < 0)
		return NULL;

	const size_t nodes_at = (sizeof(struct folder) + path.size + 7) / 8 * 8;
	const size_t nodes_size = place.n * sizeof(*place.nodes);
	struct folder *folder = malloc(nodes_at + nodes_size);

	if (!folder)
		return NULL;
	*folder = (struct folder){ .hash = hash, .size = path.size, .place = place,
				   .plain = plain };
	memcpy(folder->path, path.data, path.size);
	folder->place.nodes = (uint32_t *)(void *)((char *)folder + nodes_at);
	if (nodes_size)
		memcpy(folder->place.nodes, place.nodes, nodes_size);
	if (memo->last == *slot)
		memo->last = NULL;
	free(*slot);
	*slot = folder;
	return folder;
}

/* Folds into the room when the name is ASCII; data NULL otherwise. */
static struct text fold_ascii(struct text name, char room[NAME_ROOM])
{
	if (name.size > NAME_ROOM)
		return (struct text){ NULL, 0 };
	for (size_t i = 0; i < name.size; i++) {
		const char c = name.data[i];

		if ((unsigned char)c >= 0x80)
			return (struct text){ NULL, 0 };
		room[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	return (struct text){ room, name.size };
}

enum status path_memo_ask(struct path_memo *memo, struct text path, bool *ret, uint64_t *steps)
{
	struct text above, name;
	char room[NAME_ROOM];

	if (path.size == 0 || path.data[0] != '/' || !split(path, &above, &name) ||
	    above.size > MAX_FOLDER || !path_name_is_plain(name))
		return STATUS_DECLINED;
	if (arena_used(memo->scratch) > SCRATCH_KEPT)
		arena_reset(memo->scratch);
	if (!memo->last || memo->last->size != above.size ||
	    memcmp(memo->last->path, above.data, above.size) != 0)
		memo->last = find_folder(memo, above, steps);
	if (!memo->last || !memo->last->plain)
		return STATUS_DECLINED;

	*ret = trie_may_fit(memo->trie, &memo->last->place, name);
	if (!*ret)
		return STATUS_OK;

	struct text folded = fold_ascii(name, room);

	if (!folded.data)
		folded = text_fold(memo->scratch, name);
	if (!folded.data || trie_fits(memo->trie, &memo->last->place, folded, memo->scratch, ret,
				      steps) < 0)
		return STATUS_DECLINED;
	return STATUS_OK;
}
