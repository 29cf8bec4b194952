/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All libyal format libraries and libtsk live in this one executable. Each opens a real sample
 * through a handle of the one libbfio, and what it counts must equal what that library's own
 * command-line tool (evtxexport, regfexport, ewfinfo, ...) says of the same file. Without the
 * isolation of cmake/libyal.cmake, libevtx reads 0 of the 733 records here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* clang-format off */
#include <libbfio.h>
#include <libbde.h>
#include <libesedb.h>
#include <libevt.h>
#include <libevtx.h>
#include <libewf.h>
#include <liblnk.h>
#include <libluksde.h>
#include <libolecf.h>
#include <libqcow.h>
#include <libregf.h>
#include <libscca.h>
#include <libvhdi.h>
#include <libvmdk.h>
#include <libvshadow.h>
#include <libvslvm.h>
#include <tsk/libtsk.h>
/* clang-format on */

/* Every libyal handle and error is an intptr_t behind a pointer. */
typedef intptr_t handle;

struct library {
	const char *name;
	/* Shell command that puts the sample at $OUT from $CORPUS. */
	const char *prepare;
	/* Shell command that prints the number as the library's own tool finds it in $OUT. */
	const char *tool;
	long expected; /* known of the sample (corpus manifest); -1: the tool alone says */
	int (*initialize)(handle **library, handle **reason);
	int (*open)(handle *library, handle *file_io, int flags, handle **reason);
	long (*count)(handle *library, handle *file_io);
	int (*close)(handle *library, handle **reason);
	int (*release)(handle **library, handle **reason);
	int (*password)(handle *library, const uint8_t *text, size_t size, handle **reason);
};

/* libewf and libvslvm take a pool, which then owns the handle. */
static handle *pool;

static char scratch[] = "/tmp/avouch-libyal-XXXXXX";

static long keys_below(handle *key)
{
	long n = 1;
	int n_sub_keys = 0;

	assert_int_equal(libregf_key_get_number_of_sub_keys(key, &n_sub_keys, NULL), 1);
	for (int i = 0; i < n_sub_keys; i++) {
		handle *sub_key = NULL;

		assert_int_equal(libregf_key_get_sub_key(key, i, &sub_key, NULL), 1);
		n += keys_below(sub_key);
		libregf_key_free(&sub_key, NULL);
	}
	return n;
}

static long regf_keys(handle *file, handle *file_io)
{
	handle *root = NULL;

	(void)file_io;
	assert_int_equal(libregf_file_get_root_key(file, &root, NULL), 1);

	const long n = keys_below(root);

	libregf_key_free(&root, NULL);
	return n;
}

static long evtx_records(handle *file, handle *file_io)
{
	int n = 0, n_read = 0;

	(void)file_io;
	assert_int_equal(libevtx_file_get_number_of_records(file, &n, NULL), 1);
	for (int i = 0; i < n; i++) {
		handle *record = NULL;
		uint32_t identifier = 0;

		if (libevtx_file_get_record_by_index(file, i, &record, NULL) == 1 &&
		    libevtx_record_get_event_identifier(record, &identifier, NULL) == 1)
			n_read++;
		libevtx_record_free(&record, NULL);
	}
	return n_read;
}

static long evt_records(handle *file, handle *file_io)
{
	int n = 0;

	(void)file_io;
	assert_int_equal(libevt_file_get_number_of_records(file, &n, NULL), 1);
	return n;
}

static long scca_filenames(handle *file, handle *file_io)
{
	int n = 0;

	(void)file_io;
	assert_int_equal(libscca_file_get_number_of_filenames(file, &n, NULL), 1);
	return n;
}

static long esedb_tables(handle *file, handle *file_io)
{
	int n = 0;

	(void)file_io;
	assert_int_equal(libesedb_file_get_number_of_tables(file, &n, NULL), 1);
	return n;
}

static long vshadow_stores(handle *volume, handle *file_io)
{
	int n = 0;

	(void)file_io;
	assert_int_equal(libvshadow_volume_get_number_of_stores(volume, &n, NULL), 1);
	return n;
}

static long bde_protectors(handle *volume, handle *file_io)
{
	uint8_t sector[512] = { 0 };
	int n = 0;

	(void)file_io;
	/* Decrypted, the first sector is a file system's boot sector. */
	assert_int_equal(libbde_volume_read_buffer(volume, sector, sizeof(sector), NULL), 512);
	assert_int_equal(sector[510], 0x55);
	assert_int_equal(sector[511], 0xaa);
	assert_int_equal(libbde_volume_get_number_of_key_protectors(volume, &n, NULL), 1);
	return n;
}

static long luksde_size(handle *volume, handle *file_io)
{
	size64_t size = 0;

	(void)file_io;
	assert_int_equal(libluksde_volume_get_size(volume, &size, NULL), 1);
	return (long)size;
}

static long vslvm_volumes(handle *lvm, handle *file_io)
{
	handle *group = NULL;
	int n = 0;

	(void)file_io;
	assert_int_equal(libvslvm_handle_get_volume_group(lvm, &group, NULL), 1);
	assert_int_equal(libvslvm_volume_group_get_number_of_logical_volumes(group, &n, NULL), 1);
	libvslvm_volume_group_free(&group, NULL);
	return n;
}

static long vhdi_size(handle *file, handle *file_io)
{
	size64_t size = 0;

	(void)file_io;
	assert_int_equal(libvhdi_file_get_media_size(file, &size, NULL), 1);
	return (long)size;
}

static long vmdk_size(handle *file, handle *file_io)
{
	size64_t size = 0;

	(void)file_io;
	assert_int_equal(libvmdk_handle_get_media_size(file, &size, NULL), 1);
	return (long)size;
}

static long qcow_size(handle *file, handle *file_io)
{
	size64_t size = 0;

	(void)file_io;
	assert_int_equal(libqcow_file_get_media_size(file, &size, NULL), 1);
	return (long)size;
}

static long lnk_size(handle *file, handle *file_io)
{
	uint32_t size = 0;

	(void)file_io;
	assert_int_equal(liblnk_file_get_file_size(file, &size, NULL), 1);
	return (long)size;
}

static long olecf_sector_size(handle *file, handle *file_io)
{
	uint32_t size = 0;

	(void)file_io;
	assert_int_equal(libolecf_file_get_sector_size(file, &size, NULL), 1);
	return (long)size;
}

static int ewf_open(handle *ewf, handle *file_io, int flags, handle **reason)
{
	int entry = 0;

	(void)flags;
	if (libbfio_pool_initialize(&pool, 0, 0, reason) != 1 ||
	    libbfio_pool_append_handle(pool, &entry, file_io, LIBBFIO_OPEN_READ, reason) != 1)
		return -1;
	return libewf_handle_open_file_io_pool(ewf, pool, LIBEWF_OPEN_READ, reason);
}

static long ewf_size(handle *ewf, handle *file_io)
{
	size64_t size = 0;
	uint8_t sector[512];

	(void)file_io;
	assert_int_equal(libewf_handle_get_media_size(ewf, &size, NULL), 1);
	assert_int_equal(libewf_handle_read_buffer(ewf, sector, sizeof(sector), NULL), 512);
	return (long)size;
}

static int vslvm_open(handle *lvm, handle *file_io, int flags, handle **reason)
{
	int entry = 0;

	if (libvslvm_handle_open_file_io_handle(lvm, file_io, flags, reason) != 1 ||
	    libbfio_pool_initialize(&pool, 0, 0, reason) != 1 ||
	    libbfio_pool_append_handle(pool, &entry, file_io, LIBBFIO_OPEN_READ, reason) != 1)
		return -1;
	return libvslvm_handle_open_physical_volume_files_file_io_pool(lvm, pool, reason);
}

/* A shell link of nothing but its header (MS-SHLLINK 2.1), FileSize 4242. */
#define MAKE_LNK                                                                                   \
	"{ printf '\\114\\0\\0\\0\\001\\024\\002\\0\\0\\0\\0\\0\\300\\0\\0\\0\\0\\0\\0\\106';"     \
	" head -c 32 /dev/zero; printf '\\222\\020\\0\\0'; head -c 4 /dev/zero;"                    \
	" printf '\\001\\0\\0\\0'; head -c 12 /dev/zero; } > $OUT"
/* A compound file (MS-CFB) of header, one FAT sector, one directory sector with a root. */
#define MAKE_OLECF                                                                                 \
	"{ printf '\\320\\317\\021\\340\\241\\261\\032\\341'; head -c 16 /dev/zero;"               \
	" printf '\\076\\0\\003\\0\\376\\377\\011\\0\\006\\0'; head -c 10 /dev/zero;"              \
	" printf '\\001\\0\\0\\0\\001\\0\\0\\0\\0\\0\\0\\0\\0\\020\\0\\0\\376\\377\\377\\377'; "   \
	" printf '\\0\\0\\0\\0\\376\\377\\377\\377\\0\\0\\0\\0\\0\\0\\0\\0';"                      \
	" head -c 432 /dev/zero | tr '\\0' '\\377';"                                               \
	" printf '\\375\\377\\377\\377\\376\\377\\377\\377'; head -c 504 /dev/zero | tr '\\0' '\\377';" \
	" printf 'R\\0o\\0o\\0t\\0 \\0E\\0n\\0t\\0r\\0y\\0'; head -c 44 /dev/zero;"                \
	" printf '\\026\\0\\005\\001\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377';" \
	" head -c 36 /dev/zero; printf '\\376\\377\\377\\377\\0\\0\\0\\0\\0\\0\\0\\0';"            \
	" head -c 384 /dev/zero; } > $OUT"

#define SIZE_LINE(what) " $OUT | sed -n 's/.*" what ".*(\\([0-9]*\\) bytes).*/\\1/p'"
#define COUNT_LINE(what) " $OUT | sed -n 's/.*" what "[[:space:]]*:[[:space:]]*\\([0-9]*\\).*/\\1/p'"
#define COPY(path) "cp $CORPUS/" path " $OUT"

static const struct library libraries[] = {
	{ "libewf", COPY("images/ext2.E01"), "ewfinfo" SIZE_LINE("Media size:"), 4194304,
	  libewf_handle_initialize, ewf_open, ewf_size, libewf_handle_close, libewf_handle_free,
	  NULL },
	{ "libevtx", COPY("evtx/Szechuan_2012R2_Application.evtx"),
	  "evtxexport $OUT | grep -c '^Event number'", 733, libevtx_file_initialize,
	  libevtx_file_open_file_io_handle, evtx_records, libevtx_file_close, libevtx_file_free,
	  NULL },
	{ "libregf", COPY("hives/nfury_NTUSER.DAT"), "regfexport $OUT | grep -c '^Key path:'", 2288,
	  libregf_file_initialize, libregf_file_open_file_io_handle, regf_keys, libregf_file_close,
	  libregf_file_free, NULL },
	{ "libevt", COPY("evt/XP_AppEvent.Evt"), "evtinfo" COUNT_LINE("Number of records"), 121,
	  libevt_file_initialize, libevt_file_open_file_io_handle, evt_records, libevt_file_close,
	  libevt_file_free, NULL },
	{ "libscca", COPY("prefetch/Win10_CMD-CMD.EXE-D269B812.pf"),
	  "sccainfo" COUNT_LINE("Number of filenames"), -1, libscca_file_initialize,
	  libscca_file_open_file_io_handle, scca_filenames, libscca_file_close, libscca_file_free,
	  NULL },
	{ "libesedb", COPY("srum/RathbunVM_W10_Clean_SRUDB.dat"),
	  "esedbinfo" COUNT_LINE("Number of tables"), 11, libesedb_file_initialize,
	  libesedb_file_open_file_io_handle, esedb_tables, libesedb_file_close, libesedb_file_free,
	  NULL },
	{ "libvshadow", "qemu-img convert -O raw $CORPUS/images/vsstest.qcow2 $OUT",
	  "vshadowinfo" COUNT_LINE("Number of stores"), 2, libvshadow_volume_initialize,
	  libvshadow_volume_open_file_io_handle, vshadow_stores, libvshadow_volume_close,
	  libvshadow_volume_free, NULL },
	{ "libbde", "gzip -dc $CORPUS/images/bde_aes128.bin.gz > $OUT",
	  "bdeinfo -p 'password12!@'" COUNT_LINE("Number of key protectors"), 1,
	  libbde_volume_initialize, libbde_volume_open_file_io_handle, bde_protectors,
	  libbde_volume_close, libbde_volume_free, libbde_volume_set_utf8_password },
	/* aes-128: libluksde 20200205 (and luksdeinfo) smashes its stack on keys of 512 bits. */
	{ "libluksde",
	  "qemu-img create -q -f luks --object secret,id=s,data='password12!@' "
	  "-o key-secret=s,iter-time=10,cipher-alg=aes-128,cipher-mode=cbc,ivgen-alg=plain64,"
	  "hash-alg=sha1 $OUT 65536",
	  "luksdeinfo -p 'password12!@' $OUT > /dev/null && echo 65536", 65536,
	  libluksde_volume_initialize, libluksde_volume_open_file_io_handle, luksde_size,
	  libluksde_volume_close, libluksde_volume_free, libluksde_volume_set_utf8_password },
	{ "libvslvm", "qemu-img convert -O raw $CORPUS/images/lvm.qcow2 $OUT",
	  "vslvminfo" COUNT_LINE("Number of logical volumes"), 1, libvslvm_handle_initialize,
	  vslvm_open, vslvm_volumes, libvslvm_handle_close, libvslvm_handle_free, NULL },
	{ "libvhdi", "xz -dc $CORPUS/images/ext2.vhd.xz > $OUT", "vhdiinfo" SIZE_LINE("Media size"),
	  4212736, libvhdi_file_initialize, libvhdi_file_open_file_io_handle, vhdi_size,
	  libvhdi_file_close, libvhdi_file_free, NULL },
	{ "libvmdk", COPY("images/ext2.vmdk"), "vmdkinfo" SIZE_LINE("Media size"), 4194304,
	  libvmdk_handle_initialize, libvmdk_handle_open_file_io_handle, vmdk_size,
	  libvmdk_handle_close, libvmdk_handle_free, NULL },
	{ "libqcow", COPY("images/ext2.qcow2"), "qcowinfo" SIZE_LINE("Media size"), 4194304,
	  libqcow_file_initialize, libqcow_file_open_file_io_handle, qcow_size, libqcow_file_close,
	  libqcow_file_free, NULL },
	{ "liblnk", MAKE_LNK, "lnkinfo" SIZE_LINE("File size"), 4242, liblnk_file_initialize,
	  liblnk_file_open_file_io_handle, lnk_size, liblnk_file_close, liblnk_file_free, NULL },
	{ "libolecf", MAKE_OLECF, "olecfinfo" COUNT_LINE("Sector size"), 512,
	  libolecf_file_initialize, libolecf_file_open_file_io_handle, olecf_sector_size,
	  libolecf_file_close, libolecf_file_free, NULL },
};

/* What a shell command prints as a number; -1 when it fails or prints none. */
static long number_printed_by(const char *command)
{
	char line[64] = "";
	FILE *pipe = popen(command, "r"); /* NOLINT: fixed commands of this file */
	long number = -1;

	assert_non_null(pipe);
	if (fgets(line, sizeof(line), pipe) && line[0] >= '0' && line[0] <= '9')
		number = strtol(line, NULL, 10);
	return pclose(pipe) == 0 ? number : -1;
}

/* A monolithic VMDK opens only under the name its descriptor gives, an EWF file as .E01. */
static const char *name_for(const char *library)
{
	if (strcmp(library, "libvmdk") == 0)
		return "ext2.vmdk";
	return strcmp(library, "libewf") == 0 ? "ext2.E01" : library;
}

static long count_with(const struct library *library, const char *path)
{
	handle *file_io = NULL, *reader = NULL, *reason = NULL;
	const uint8_t password[] = "password12!@";

	assert_int_equal(libbfio_file_initialize(&file_io, NULL), 1);
	assert_int_equal(libbfio_file_set_name(file_io, path, strlen(path), NULL), 1);
	assert_int_equal(library->initialize(&reader, NULL), 1);
	if (library->password)
		assert_int_equal(
			library->password(reader, password, sizeof(password) - 1, NULL), 1);
	if (library->open(reader, file_io, LIBBFIO_OPEN_READ, &reason) != 1) {
		libewf_error_backtrace_fprint(reason, stderr);
		fail_msg("%s does not open its sample", library->name);
	}

	const long n = library->count(reader, file_io);

	assert_int_equal(library->close(reader, NULL), 0);
	assert_int_equal(library->release(&reader, NULL), 1);
	if (pool)
		assert_int_equal(libbfio_pool_free(&pool, NULL), 1); /* owns the handle */
	else
		assert_int_equal(libbfio_handle_free(&file_io, NULL), 1);
	pool = NULL;
	return n;
}

static void every_library_counts_what_its_own_tool_counts(void **state)
{
	const char *corpus = getenv("AVOUCH_CORPUS");
	char path[256];

	(void)state;
	if (!corpus || access(corpus, R_OK) != 0) {
		print_message("no samples at %s: skipped\n", corpus ? corpus : "AVOUCH_CORPUS");
		skip();
	}
	setenv("CORPUS", corpus, 1);
	for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++) {
		const struct library *library = &libraries[i];

		snprintf(path, sizeof(path), "%s/%s", scratch, name_for(library->name));
		setenv("OUT", path, 1);
		if (system(library->prepare) != 0) { /* NOLINT: fixed commands of this file */
			print_message("%s: sample or its tool missing, skipped\n", library->name);
			continue;
		}

		const long counted = count_with(library, path);
		const long by_tool = number_printed_by(library->tool);

		print_message("%s: %ld, its tool %ld\n", library->name, counted, by_tool);
		if (library->expected >= 0)
			assert_int_equal(counted, library->expected);
		if (by_tool >= 0)
			assert_int_equal(counted, by_tool);
		assert_true(counted > 0);
		unlink(path);
	}
}

static void libtsk_refuses_containers_instead_of_opening_them_itself(void **state)
{
	const char *const images[] = { "/nonexistent.E01" };

	(void)state;
	assert_null(tsk_img_open(1, images, TSK_IMG_TYPE_EWF_EWF, 0));
	assert_int_equal(tsk_error_get_errno(), TSK_ERR_IMG_UNSUPTYPE);
}

static int make_scratch(void **state)
{
	(void)state;
	return mkdtemp(scratch) ? 0 : -1;
}

static int drop_scratch(void **state)
{
	(void)state;
	return rmdir(scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_library_counts_what_its_own_tool_counts),
		cmocka_unit_test(libtsk_refuses_containers_instead_of_opening_them_itself),
	};

	return cmocka_run_group_tests(tests, make_scratch, drop_scratch);
}
