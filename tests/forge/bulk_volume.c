/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills an NTFS volume as a Windows installation of some years does: bulk_volume VOLUME FILES.
 * VOLUME is a plain file that mkntfs made. What it makes stands in tests/bench/README.md; the same
 * call makes the same volume.
 */
#include "library.h"

#include <inttypes.h>

enum {
	SECURITY_ID = 0x100, /* the first descriptor mkntfs puts into $Secure */
	N_TARGETS = 64,      /* system folders that share files with component folders */
	CHUNK = 65536,       /* a fragmented file grows by so many bytes */
};

static ntfs_volume *volume;
static uint64_t random_state = 88172645463325252ULL, n_files, n_folders, n_links, n_short,
		n_deleted;
static int64_t ticks = INT64_C(131310000000000000); /* 2017-02-08 */

/* The library's clock: found before the C library's own. A file every 40 ms. */
__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now)
{
	const int64_t since = ticks - INT64_C(116444736000000000);

	(void)clock;
	ticks += 400000;
	now->tv_sec = (time_t)(since / 10000000);
	now->tv_nsec = (long)(since % 10000000) * 100;
	return 0;
}

__attribute__((noreturn)) static void die(const char *what, const char *name)
{
	fprintf(stderr, "bulk_volume: %s '%s': %s\n", what, name, strerror(errno));
	exit(1);
}

/* Marsaglia's xorshift: the same numbers on every machine. */
static uint32_t pick(uint32_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 16) % below);
}

static const char *word(void)
{
	static const char *const words[] = {
		"network",   "printing",   "shell",    "media",    "update",    "security",
		"common",    "client",     "server",   "setup",    "driver",    "audio",
		"graphics",  "input",      "language", "font",     "storage",   "kernel",
		"runtime",   "resource",   "policy",   "remote",   "desktop",   "backup",
		"search",    "index",      "cache",    "content",  "provider",  "manager",
		"service",   "host",       "broker",   "store",    "package",   "framework",
		"component", "extension",  "module",   "library",  "config",    "template",
		"helper",    "session",    "account",  "identity", "transport", "protocol",
		"monitor",   "diagnostics"
	};

	return words[pick(sizeof(words) / sizeof(words[0]))];
}

static ntfschar *unicode(const char *name, int *length)
{
	ntfschar *wide = NULL;

	*length = ntfs_mbstoucs(name, &wide);
	if (*length <= 0)
		die("bad name", name);
	return wide;
}

static ntfs_inode *make(ntfs_inode *parent, const char *name, mode_t type)
{
	int length;
	ntfschar *wide = unicode(name, &length);
	ntfs_inode *inode =
		ntfs_create(parent, const_cpu_to_le32(SECURITY_ID), wide, (u8)length, type);

	free(wide);
	if (inode == NULL)
		die("cannot create", name);
	if (type == S_IFREG)
		inode->flags |= FILE_ATTR_ARCHIVE;
	n_files += type == S_IFREG;
	n_folders += type == S_IFDIR;
	return inode;
}

static ntfs_inode *enter(ntfs_inode *parent, const char *name)
{
	int length;
	ntfschar *wide = unicode(name, &length);
	const uint64_t reference = ntfs_inode_lookup_by_name(parent, wide, length);
	ntfs_inode *found;

	free(wide);
	if (reference == (uint64_t)-1)
		return make(parent, name, S_IFDIR);
	found = ntfs_inode_open(volume, reference);
	if (found == NULL)
		die("cannot open", name);
	return found;
}

/* A folder by its path, made where it is missing. */
static ntfs_inode *folder(const char *path)
{
	char *copy = strdup(path), *rest = NULL;
	ntfs_inode *at = ntfs_inode_open(volume, FILE_root);

	for (char *part = strtok_r(copy, "/", &rest); part != NULL;
	     part = strtok_r(NULL, "/", &rest)) {
		ntfs_inode *next = enter(at, part);

		if (ntfs_inode_close(at) != 0)
			die("cannot close the folder above", part);
		at = next;
	}
	free(copy);
	return at;
}

/*
 * One file in three is small enough for its record; the sizes of the others spread over four
 * decades.
 */
static int64_t size_of_file(void)
{
	if (pick(3) == 0)
		return pick(600);
	return (int64_t)(1024 + pick(1024)) << pick(8);
}

/*
 * Clusters are allocated and not written, which takes time and tells nothing. One large file in
 * four is in pieces.
 */
static void set_size(ntfs_inode *inode, int64_t size)
{
	static unsigned char zeros[600];
	ntfs_attr *data = ntfs_attr_open(inode, AT_DATA, AT_UNNAMED, 0);
	const bool in_pieces = size > 2 * CHUNK && pick(4) == 0;

	if (data == NULL)
		die("no content", "");
	if (size < (int64_t)sizeof(zeros)) {
		if (size > 0 && ntfs_attr_pwrite(data, 0, size, zeros) != size)
			die("cannot write", "");
	} else if (ntfs_attr_truncate_solid(data, in_pieces ? CHUNK : size) != 0) {
		die("cannot size", "");
	}
	for (int64_t at = 2 * CHUNK; in_pieces && at < size; at += CHUNK) {
		/* A cluster taken in between keeps the next piece away from this one. */
		runlist_element *wedge = ntfs_cluster_alloc(volume, 0, 1, -1, DATA_ZONE);

		if (wedge == NULL || ntfs_attr_truncate_solid(data, at) != 0)
			die("cannot grow", "");
		if (ntfs_cluster_free_from_rl(volume, wedge) != 0)
			die("cannot free", "");
		free(wedge);
	}
	ntfs_attr_close(data);
}

static void put_file(ntfs_inode *parent, const char *name)
{
	ntfs_inode *inode = make(parent, name, S_IFREG);

	set_size(inode, size_of_file());
	if (ntfs_inode_close_in_dir(inode, parent) != 0)
		die("cannot close", name);
}

/* The same with a DOS name beside the long one, as what programs write after setup has. */
static void put_named(const char *path, ntfs_inode **parent, const char *name)
{
	char dos[16];
	const char *dot = strrchr(name, '.');
	ntfs_inode *inode = make(*parent, name, S_IFREG);

	set_size(inode, size_of_file());
	snprintf(dos, sizeof(dos), "%.2s%04X~1%.4s", name, pick(65536), dot ? dot : "");
	if (ntfs_set_ntfs_dos_name(inode, *parent, dos, strlen(dos), 0) != 0)
		die("no DOS name for", name); /* closes both */
	n_short++;
	*parent = folder(path);
}

/* --- deleting as Windows does: name and runs stay in the freed record --- */

static void remove_index_entry(ntfs_inode *parent, ntfs_inode *inode)
{
	ntfs_attr_search_ctx *search = ntfs_attr_get_search_ctx(inode, NULL);
	const FILE_NAME_ATTR *name;
	ntfs_index_context *index;

	if (search == NULL ||
	    ntfs_attr_lookup(AT_FILE_NAME, AT_UNNAMED, 0, CASE_SENSITIVE, 0, NULL, 0, search) != 0)
		die("record without", "name");
	name = (const FILE_NAME_ATTR *)((const u8 *)search->attr +
					le16_to_cpu(search->attr->value_offset));
	index = ntfs_index_ctx_get(parent, NTFS_INDEX_I30, 4);
	if (index == NULL ||
	    ntfs_index_lookup(name, (int)le32_to_cpu(search->attr->value_length), index) != 0 ||
	    ntfs_index_rm(index) != 0)
		die("no index", "entry");
	ntfs_inode_mark_dirty(parent);
	ntfs_index_ctx_put(index);
	ntfs_attr_put_search_ctx(search);
}

static void delete_file(ntfs_inode *parent, const char *name)
{
	int length;
	ntfschar *wide = unicode(name, &length);
	const uint64_t reference = ntfs_inode_lookup_by_name(parent, wide, length);
	ntfs_inode *inode = ntfs_inode_open(volume, reference);

	free(wide);
	if (inode == NULL)
		die("cannot delete", name);
	remove_index_entry(parent, inode);
	if (ntfs_mft_record_free(volume, inode) != 0)
		die("cannot free the record of", name);
	ntfs_inode_invalidate(volume, reference);
	n_deleted++;
	n_files--;
}

/* --- the parts of the tree --- */

/*
 * The library keeps no table of open inodes: what is open twice is written twice. So nothing stays
 * open across a path.
 */
static void put_link(ntfs_inode *inode, const char *name)
{
	static const char *const first[] = {
		"Windows/System32",         "Windows/SysWOW64",
		"Windows/System32/drivers", "Windows/Fonts",
		"Windows/System32/wbem",    "Windows/System32/en-US",
		"Windows/SysWOW64/en-US",   "Windows/Microsoft.NET/Framework64/v4.0.30319"
	};
	const unsigned target = pick(pick(N_TARGETS) + 1);
	char path[128];
	int length;
	ntfschar *wide = unicode(name, &length);
	ntfs_inode *at;

	if (target < 8)
		snprintf(path, sizeof(path), "%s", first[target]);
	else
		snprintf(path, sizeof(path), "Windows/System32/%02u-component", target);
	at = folder(path);
	if (ntfs_link(inode, at, wide, (u8)length) != 0 || ntfs_inode_close(at) != 0)
		die("cannot link", name);
	free(wide);
	n_links++;
}

/*
 * A component folder below WinSxS; three of five of its files stand in a system folder, too, most
 * in the first ones.
 */
static void put_component(ntfs_inode *store, unsigned number)
{
	char name[200];
	ntfs_inode *component;
	const unsigned n = 1 + pick(4);

	snprintf(name, sizeof(name),
		 "%s_microsoft-windows-%s-%s-%s_31bf3856ad364e35_10.0.16299.%u_%s_%08x%08x",
		 pick(3) ? "amd64" : "wow64", word(), word(), word(), pick(2000),
		 pick(4) ? "none" : "en-us", number, pick(UINT32_MAX));
	component = make(store, name, S_IFDIR);
	for (unsigned i = 0; i < n; i++) {
		ntfs_inode *inode;

		snprintf(name, sizeof(name), "%s%s%u%c.%s", word(), word(), number, 'a' + (int)i,
			 pick(4) == 0 ? "exe" : pick(5) == 0 ? "mui" : "dll");
		inode = make(component, name, S_IFREG);
		set_size(inode, size_of_file());
		if (pick(5) < 3)
			put_link(inode, name);
		if (ntfs_inode_close_in_dir(inode, component) != 0)
			die("cannot close", name);
	}
	if (ntfs_inode_close_in_dir(component, store) != 0)
		die("cannot close", name);
}

static void put_components(uint64_t until)
{
	ntfs_inode *store = folder("Windows/WinSxS"), *manifests = enter(store, "Manifests");
	static unsigned number;
	char name[200];

	for (; n_files < until; number++) {
		put_component(store, number);
		snprintf(name, sizeof(name),
			 "amd64_microsoft-windows-%s-%s_31bf3856ad364e35_10.0.16299.15_none_"
			 "%08x%08x.manifest",
			 word(), word(), number, pick(UINT32_MAX));
		put_file(manifests, name);
	}
	if (ntfs_inode_close_in_dir(manifests, store) != 0 || ntfs_inode_close(store) != 0)
		die("cannot close", "WinSxS");
}

/* Native images: two folders for each file. */
static void put_images(uint64_t until)
{
	char path[300];

	while (n_files < until) {
		snprintf(
			path, sizeof(path),
			"Windows/assembly/NativeImages_v4.0.30319_64/System.%s.%s/%08x%08x%08x%08x",
			word(), word(), pick(UINT32_MAX), pick(UINT32_MAX), pick(UINT32_MAX),
			pick(UINT32_MAX));
		ntfs_inode *at = folder(path);

		put_file(at, "System.ni.dll");
		put_file(at, "System.ni.dll.aux");
		if (ntfs_inode_close(at) != 0)
			die("cannot close", path);
	}
}

/*
 * Programs and what they keep: folders down to ten deep, a few dozen files in most; DOS names
 * beside every second file.
 */
static void put_programs(const char *top, uint64_t until)
{
	char path[1024], name[100];

	while (n_files < until) {
		size_t used =
			(size_t)snprintf(path, sizeof(path), "%s/%s %u", top, word(), pick(3));
		const unsigned depth = pick(8), n = 1 + pick(pick(40) + 1);

		for (unsigned i = 0; i < depth; i++)
			used += (size_t)snprintf(path + used, sizeof(path) - used, "/%s-%u", word(),
						 pick(3));

		ntfs_inode *at = folder(path);

		for (unsigned i = 0; i < n; i++) {
			snprintf(name, sizeof(name), "%s_%s.%08x.%s", word(), word(),
				 pick(UINT32_MAX), pick(2) ? "dat" : "js");
			if (pick(2))
				put_named(path, &at, name);
			else
				put_file(at, name);
		}
		if (ntfs_inode_close(at) != 0)
			die("cannot close", path);
	}
}

/* A browser's cache: one folder of thousands, every fifth file gone again. */
static void put_cache(uint64_t until)
{
	ntfs_inode *at = folder("Users/jmarsh/AppData/Local/Browser/User Data/Default/Cache");
	char name[32];
	static unsigned i;

	for (; n_files < until; i++) {
		snprintf(name, sizeof(name), "f_%06x", i);
		put_file(at, name);
		if (i % 5 == 4) {
			snprintf(name, sizeof(name), "f_%06x", i - pick(3));
			delete_file(at, name);
		}
	}
	if (ntfs_inode_close(at) != 0)
		die("cannot close", "cache");
}

int main(int argc, char **argv)
{
	const uint64_t n = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;

	if (n == 0) {
		fprintf(stderr, "usage: bulk_volume VOLUME FILES\n");
		return 64;
	}
	ntfs_log_set_handler(ntfs_log_handler_stderr);
	ntfs_set_char_encoding("C.UTF-8");
	volume = ntfs_mount(argv[1], 0);
	if (volume == NULL)
		die("cannot open", argv[1]);
	/* In turn, so that $MFT and the folders grow beside everything else. */
	for (uint64_t i = 1; i <= 5; i++) {
		const uint64_t done = n * (i - 1) / 5, share = n / 5;

		put_components(done + share * 50 / 100);
		put_images(done + share * 58 / 100);
		put_programs("Program Files", done + share * 75 / 100);
		put_programs("Users/jmarsh/AppData/Local", done + share * 90 / 100);
		put_programs("ProgramData", done + share * 95 / 100);
		put_cache(done + share);
	}
	if (ntfs_umount(volume, FALSE) != 0)
		die("cannot close", argv[1]);
	printf("%" PRIu64 " files, %" PRIu64 " folders, %" PRIu64 " further links, %" PRIu64
	       " DOS names, %" PRIu64 " deleted\n",
	       n_files, n_folders, n_links, n_short, n_deleted);
	return 0;
}
