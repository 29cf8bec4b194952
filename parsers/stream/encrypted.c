/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/stream/encrypted.h"

#include <inttypes.h>
#include <stdio.h>

#include <libbde.h>
#include <libluksde.h>

#include "parsers/base/cursor.h"
#include "parsers/stream/library_stream.h"

/*
 * LUKS 1 header (LUKS On-Disk Format Specification 1.2.3, figure 1), big endian: version at 6,
 * key bytes at 108, iterations of the master key digest at 164. libluksde 20200205 overruns its
 * stack on keys of 512 bits.
 */
enum {
	LUKS_VERSION = 6,
	LUKS_KEY_BYTES = 108,
	LUKS_ITERATIONS = 164,
	LUKS_HEADER_SIZE = 592,
	LUKS_MAX_KEY_BYTES = 32,
	LUKS_MAX_ITERATIONS = 100000000, /* about a minute */
};

static const struct library_reader bde_reader = {
	"libbde", libbde_volume_read_buffer_at_offset, libbde_volume_close, libbde_volume_free
};
static const struct library_reader luksde_reader = { "libluksde",
						     libluksde_volume_read_buffer_at_offset,
						     libluksde_volume_close,
						     libluksde_volume_free };

static const uint8_t *bytes_of(const char *text)
{
	return (const uint8_t *)text;
}

static bool bde_take_secrets(library_handle *volume, const struct secrets *secrets,
			     library_handle **error)
{
	const char *password = secrets->password, *recovery = secrets->recovery_password;

	if (password && libbde_volume_set_utf8_password(volume, bytes_of(password),
							strlen(password), error) != 1)
		return false;
	if (recovery && libbde_volume_set_utf8_recovery_password(volume, bytes_of(recovery),
								 strlen(recovery), error) != 1)
		return false;
	return !secrets->startup_key_path ||
	       libbde_volume_read_startup_key(volume, secrets->startup_key_path, error) == 1;
}

static enum status give_up(const struct library_reader *reader, library_handle *volume,
			   library_handle *bfio, library_handle **error, enum status status,
			   const char *what, struct failure *why)
{
	(void)reader->close(volume, NULL); /* read only; libbde forgets parts of itself otherwise */
	(void)reader->free(&volume, NULL);
	bfio_free(bfio);
	return failure_from_library(why, status, error, "%s", what);
}

static enum status open_bitlocker(library_handle *bfio, const struct secrets *secrets,
				  struct stream **ret, struct failure *why)
{
	library_handle *volume = NULL, *error = NULL;
	size64_t size = 0;

	if (libbde_volume_initialize(&volume, &error) != 1 ||
	    !bde_take_secrets(volume, secrets, &error))
		return give_up(&bde_reader, volume, bfio, &error, ERR_ENCRYPTED,
			       "secret for BitLocker", why);

	/* 1: opened, 0: no key fits. */
	const int opened =
		libbde_volume_open_file_io_handle(volume, bfio, LIBBDE_OPEN_READ, &error);

	if (opened < 0)
		return give_up(&bde_reader, volume, bfio, &error, ERR_ENCRYPTED,
			       "BitLocker volume that this libbde cannot open", why);
	if (opened == 0 || libbde_volume_is_locked(volume, &error) != 0)
		return give_up(&bde_reader, volume, bfio, &error, ERR_ENCRYPTED,
			       "the volume is encrypted by BitLocker and no secret opens it", why);
	if (libbde_volume_get_size(volume, &size, &error) != 1)
		return give_up(&bde_reader, volume, bfio, &error, ERR_FORMAT, "BitLocker volume",
			       why);
	return stream_over_library(&bde_reader, volume, bfio, size, ret, why);
}

static enum status check_luks(struct stream *volume, struct failure *why)
{
	uint8_t header[LUKS_HEADER_SIZE] = { 0 };
	const enum status status = stream_read(volume, 0, header, sizeof(header), why);
	struct cursor c = cursor_over(span_of(header, sizeof(header)), 0);

	if (status < 0)
		return status;
	cursor_seek(&c, LUKS_VERSION);

	const unsigned version = cursor_u16be(&c);

	cursor_seek(&c, LUKS_KEY_BYTES);

	const uint32_t key_bytes = cursor_u32be(&c);

	cursor_seek(&c, LUKS_ITERATIONS);

	const uint32_t iterations = cursor_u32be(&c);

	if (version != 1)
		return failure_set(why, ERR_ENCRYPTED,
				   "the volume is encrypted by LUKS version %u, which is not read: "
				   "open it with cryptsetup and analyze an image of what it gives",
				   version);
	if (key_bytes > LUKS_MAX_KEY_BYTES)
		return failure_set(why, ERR_ENCRYPTED,
				   "the volume is encrypted by LUKS with a key of %u bits, "
				   "which is not read: open it with cryptsetup and analyze an "
				   "image of what it gives", key_bytes * 8);
	if (iterations > LUKS_MAX_ITERATIONS)
		return failure_set(why, ERR_LIMIT, "LUKS asks for %" PRIu32 " iterations",
				   iterations);
	return STATUS_OK;
}

static enum status open_luks(library_handle *bfio, const struct secrets *secrets,
			     struct stream **ret, struct failure *why)
{
	library_handle *volume = NULL, *error = NULL;
	const char *password = secrets->password ? secrets->password : "";
	size64_t size = 0;

	if (libluksde_volume_initialize(&volume, &error) != 1 ||
	    libluksde_volume_set_utf8_password(volume, bytes_of(password), strlen(password),
					       &error) != 1 ||
	    libluksde_volume_open_file_io_handle(volume, bfio, LIBLUKSDE_OPEN_READ, &error) != 1)
		return give_up(&luksde_reader, volume, bfio, &error, ERR_ENCRYPTED,
			       "the volume is encrypted by LUKS", why);
	if (libluksde_volume_is_locked(volume, &error) != 0)
		return give_up(&luksde_reader, volume, bfio, &error, ERR_ENCRYPTED,
			       "the volume is encrypted by LUKS and no password opens it", why);
	if (libluksde_volume_get_size(volume, &size, &error) != 1)
		return give_up(&luksde_reader, volume, bfio, &error, ERR_FORMAT, "LUKS volume",
			       why);
	return stream_over_library(&luksde_reader, volume, bfio, size, ret, why);
}

enum status encrypted_open(struct stream *volume, const struct secrets *secrets,
			   struct stream **ret, struct failure *why)
{
	static const char luks_mark[] = "LUKS\xba\xbe";
	library_handle *bfio = NULL;
	uint8_t head[6] = { 0 };
	enum status status;

	if (volume->size < LUKS_HEADER_SIZE)
		return STATUS_DECLINED;
	status = stream_read(volume, 0, head, sizeof(head), why);

	const bool luks = status >= 0 && memcmp(head, luks_mark, sizeof(head)) == 0;

	if (luks)
		status = check_luks(volume, why);
	if (status >= 0)
		status = bfio_over_stream(volume, &bfio, why);
	if (status < 0)
		return status;
	if (luks)
		return open_luks(bfio, secrets, ret, why);
	if (libbde_check_volume_signature_file_io_handle(bfio, NULL) == 1)
		return open_bitlocker(bfio, secrets, ret, why);
	bfio_free(bfio);
	return STATUS_DECLINED;
}
