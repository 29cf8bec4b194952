/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for the two functions of zlib that libewf calls for each chunk (cmake/libyal.cmake).
 * libdeflate inflates in half of the time and checks the same Adler-32; what it refuses is left to
 * zlib, so that libewf sees zlib's errors for damaged chunks. Its Adler-32, for chunks that are not
 * compressed, takes a tenth.
 */
#include <libdeflate.h>
#include <zlib.h>

int avouch_uncompress(Bytef *out, uLongf *out_size, const Bytef *in, uLong in_size);
uLong avouch_adler32(uLong adler, const Bytef *bytes, uInt size);

int avouch_uncompress(Bytef *out, uLongf *out_size, const Bytef *in, uLong in_size)
{
	struct libdeflate_decompressor *decompressor = libdeflate_alloc_decompressor();
	enum libdeflate_result result = LIBDEFLATE_BAD_DATA;
	size_t n = 0;

	if (decompressor)
		result = libdeflate_zlib_decompress(decompressor, in, in_size, out, *out_size, &n);
	libdeflate_free_decompressor(decompressor);
	if (result != LIBDEFLATE_SUCCESS)
		return uncompress(out, out_size, in, in_size);
	*out_size = n;
	return Z_OK;
}

uLong avouch_adler32(uLong adler, const Bytef *bytes, uInt size)
{
	return libdeflate_adler32((uint32_t)adler, bytes,
				  size); /* both start with 1 for no bytes */
}
